/** Prints the crash matrix: what becomes of a device that is hit anywhere in its life. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleAgent } from './agent-process.ts';
import { type Hit, markdownTable, textTable } from './hit.ts';
import { SAMPLE, SCENARIOS, WHOLE } from './matrix.ts';

const HELP = `npm run crash-matrix -- [--quick] [--kills N] [--seed N] [--markdown | --json]

Hits a device everywhere: kill −9, power cuts, full disks, a server that is gone, bytes that are
altered, a clock that was set back. Prints what answered after the restart, how soon, and what was
acknowledged and lost.

  --quick       a sample, as npm test takes it
  --kills N     kills at random moments; default 500
  --seed N      repeats the order of hits
  --markdown    prints the table as it stands in docs/crash-matrix.md
  --json        prints each hit

for instance: npm run crash-matrix -- --quick`;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    kills: { type: 'string' },
    seed: { type: 'string', default: '1' },
    markdown: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  const whole = values.quick ? SAMPLE : WHOLE;
  const scale = { ...whole, random: Number(values.kills ?? whole.random) };
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-crashes-'));
  const progress = (text: string) => process.stderr.write(`${text}\n`);
  try {
    const agent = await bundleAgent(join(folder, 'agent'));
    const hits: Hit[] = [];
    for (const { name, run } of SCENARIOS) {
      progress(name);
      const skipped = (what: string, reason: string) => progress(`skipped: ${what}: ${reason}`);
      hits.push(...(await run({ main: agent, folder, scale, seed: Number(values.seed), skipped })));
    }
    const form = values.markdown ? markdownTable : textTable;
    process.stdout.write(`${values.json ? JSON.stringify(hits) : form(hits)}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

if (values.help) process.stdout.write(`${HELP}\n`);
else await main();
process.exit(0);
