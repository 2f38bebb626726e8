/** The agent beside bare onnxruntime-node: overhead, memory, start. Needs nothing but this repository. */
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { openBed } from './agent/bed.ts';
import { measureOverheads } from './agent/library.ts';
import { measureFootprint } from './agent/memory.ts';
import { jsonOf, tableOf } from './agent/table.ts';

const HELP = `npm run bench:agent -- [--quick] [--json]

Packs the agent, enrols it with a broker and a server in this process, gives it the small model of
examples/parts-inspection (110,592 bytes in), and measures: what the library adds to
onnxruntime-node behind the same round trip to a worker, and HTTP to the library, turn by turn; then
memory, start and idleness of the packed agent (a few minutes: windows of telemetry take one each).

  --quick   fewer and shorter turns
  --json    prints the figures as JSON, nothing else

for instance: npm run -s bench:agent -- --quick`;

const FULL = {
  overheads: { turns: 9, calls: 300 },
  footprint: { starts: 7, settleMs: 10_000, windows: 3, images: 300 },
};
const QUICK = {
  overheads: { turns: 3, calls: 100 },
  footprint: { starts: 3, settleMs: 10_000, windows: 1, images: 100 },
};

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(HELP);
else await main(values.quick ? QUICK : FULL, values.json);

async function main(lengths: typeof FULL, json: boolean): Promise<void> {
  const load = loadavg()[0] ?? 0;
  console.error('packing the agent and deploying a model to it');
  const bed = await openBed();
  try {
    console.error('timing library and HTTP');
    const overheads = await measureOverheads(bed, lengths.overheads);
    console.error('measuring the packed agent');
    const footprint = await measureFootprint(bed, lengths.footprint);
    console.error(
      `load average ${load.toFixed(1)} before, ${(loadavg()[0] ?? 0).toFixed(1)} after`,
    );
    if (json) console.log(JSON.stringify(jsonOf(overheads, footprint)));
    else console.log(`${cpus()[0]?.model.trim()}\n\n${tableOf(overheads, footprint)}`);
  } finally {
    await bed.close();
  }
}
