/** A camera that is faster than its model: memory, the age of the frames that are looked at, drops. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { agentProgram } from '../../agent/src/testing/agent-process.ts';
import { layOutAgent } from '../../scripts/agent-package/pack.ts';
import { isArch } from '../../scripts/agent-package/parts.ts';
import { type CameraFigures, measureCamera } from './camera/measure.ts';

const HELP = `npm run bench:camera -- [--minutes N] [--json]

Packs the agent and runs it with a camera of 30 frames a second (ffmpeg's test picture, 640x480) and a model of
about 100 ms, looks at its memory each second, and tells whether it held.

  --minutes N    how long; default 10
  --json         prints the figures as JSON, nothing else

for instance: npm run bench:camera -- --minutes 1`;

/** Memory is flat where it grows by less than this; a leak of one frame in a thousand would be 1.7 MB. */
const FLAT_MB_PER_MINUTE = 0.25;
/** Frames are 33 ms apart; others use the machine too. */
const FRESH_MS = 50;
const WARM_UP_SECONDS = 60;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

async function main(minutes: number, json: boolean): Promise<void> {
  const seconds = Math.round(minutes * 60);
  const { arch } = process;
  if (!isArch(arch)) throw new Error(`the agent is not packed for ${arch}`);
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-camera-'));
  console.error('packing the agent');
  const program = join(await layOutAgent(arch, folder), 'flotilla-agent');
  const figures = await measureCamera(
    {
      agent: agentProgram(program),
      seconds,
      warmUpSeconds: Math.min(WARM_UP_SECONDS, seconds >> 1),
      ...{ fps: 30, modelMs: 100, size: '640x480' },
    },
    (text) => console.error(text),
  ).finally(() => rm(folder, { recursive: true, force: true }));
  const faults = faultsOf(figures);
  console.log(json ? JSON.stringify({ ...figures, holds: faults.length === 0 }) : table(figures));
  for (const fault of faults) console.error(`does not hold: ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
}

function faultsOf(figures: CameraFigures): string[] {
  const { frames, inferred, dropped, ageMsP95, rssMbPerMinute } = figures;
  const faults: string[] = [];
  if (!(rssMbPerMinute < FLAT_MB_PER_MINUTE)) faults.push('memory grows');
  if (!(ageMsP95 < FRESH_MS)) faults.push('frames that are looked at are not the latest');
  // one may wait, one may be looked at
  if (frames - inferred - dropped > 2) faults.push('frames are lost without being counted');
  if (dropped === 0)
    faults.push('nothing had to be dropped: the model is too quick for this bench');
  return faults;
}

const table = (figures: CameraFigures): string =>
  Object.entries(figures)
    .map(([name, value]: [string, number]) => `${name.padEnd(16)} ${+value.toFixed(2)}`)
    .join('\n');

const minutes = Number(values.minutes);
if (values.help) console.log(HELP);
else if (!(minutes > 0)) {
  console.error(`--minutes takes a number above 0, not ${values.minutes}`);
  process.exitCode = 2;
} else await main(minutes, values.json);
