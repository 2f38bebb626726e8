import { parseArgs } from 'node:util';
import { renderDataset } from './dataset.ts';
import { DRIFTS, isDrift } from './labels.ts';

const USAGE = `Renders labeled images of parts on a conveyor.

  node examples/parts-inspection/src/render.ts --out DIR [--per-class 30] [--seed 7] [--drift ${DRIFTS.join('|')}] [--strength 1]
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      'per-class': { type: 'string', default: '30' },
      seed: { type: 'string', default: '7' },
      drift: { type: 'string' },
      strength: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const { out, drift } = values;
  const perClass = Number(values['per-class']);
  const seed = Number(values.seed);
  const strength = Number(values.strength);
  const isWrongDrift = drift !== undefined && !isDrift(drift);
  if (
    !out ||
    isWrongDrift ||
    !isCount(perClass) ||
    !Number.isInteger(seed) ||
    !(strength >= 0 && strength <= 1)
  ) {
    process.stderr.write(USAGE);
    return 2;
  }
  const started = performance.now();
  const { files } = await renderDataset(out, { perClass, seed, drift, strength });
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(
    `${files.length} images in ${out}, ${Math.round(files.length / seconds)} per second\n`,
  );
  return 0;
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 100_000;
}

process.exitCode = await main();
