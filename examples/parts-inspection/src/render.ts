import { parseArgs } from 'node:util';
import { type DatasetOptions, MAX_PER_CLASS, renderDataset } from './dataset.ts';
import { DRIFTS, isDrift } from './labels.ts';

const USAGE = `Renders labeled images of parts on a conveyor.

  node examples/parts-inspection/src/render.ts --out DIR [--per-class 30] [--seed 7] [--drift ${DRIFTS.join('|')}] [--strength 1]
`;

const OPTIONS = {
  out: { type: 'string' },
  'per-class': { type: 'string', default: '30' },
  seed: { type: 'string', default: '7' },
  drift: { type: 'string' },
  strength: { type: 'string', default: '1' },
  help: { type: 'boolean', default: false },
} as const;

type Request = DatasetOptions & { readonly out: string };

/** What the command line asks for, or in words what is wrong with it. */
function read(flags: ReturnType<typeof parse>): Request | string {
  const { out, drift } = flags;
  const perClass = Number(flags['per-class']);
  const seed = Number(flags.seed);
  const strength = Number(flags.strength);
  if (!out) return '--out is missing: name the folder to write';
  if (!Number.isInteger(perClass) || perClass < 1 || perClass > MAX_PER_CLASS) {
    return `--per-class is ${flags['per-class']}: give a number from 1 to ${MAX_PER_CLASS}`;
  }
  if (!Number.isInteger(seed)) return `--seed is ${flags.seed}: give a whole number`;
  if (!(strength >= 0 && strength <= 1)) return `--strength is ${flags.strength}: give 0 to 1`;
  if (drift !== undefined && !isDrift(drift))
    return `--drift is ${drift}: give ${DRIFTS.join(' or ')}`;
  return { out, perClass, seed, drift, strength };
}

function parse() {
  return parseArgs({ options: OPTIONS }).values;
}

async function main(): Promise<number> {
  let request: Request | string;
  try {
    const flags = parse();
    if (flags.help) {
      process.stdout.write(USAGE);
      return 0;
    }
    request = read(flags);
  } catch (error) {
    request = error instanceof Error ? error.message : String(error);
  }
  if (typeof request === 'string') {
    process.stderr.write(`${request}\n`);
    return 2;
  }
  const started = performance.now();
  const rendered = await renderDataset(request.out, request).catch((error: Error) => error);
  if (rendered instanceof Error) {
    process.stderr.write(`${request.out} cannot be written: ${rendered.message}\n`);
    return 1;
  }
  const { files } = rendered;
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(
    `${files.length} images in ${request.out}, ${Math.round(files.length / seconds)} per second\n`,
  );
  return 0;
}

process.exitCode = await main();
