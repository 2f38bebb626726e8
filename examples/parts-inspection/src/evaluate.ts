import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DRIFTS, type Drift, PART_LABELS } from './labels.ts';
import {
  inputStatistics,
  type Measurement,
  measureModel,
  renderSamples,
  type Sample,
} from './measure.ts';

/** A seed that training never sees. */
const HELD_OUT_SEED = '1001';
const VERSIONS = [1, 2, 3] as const;
const BEST_VERSION = 2;

const percent = (fraction: number): string => `${(100 * fraction).toFixed(1)} %`;

function modelRow(title: string, { accuracy, confidence, histogram }: Measurement): string {
  return `| ${[title, percent(accuracy), percent(confidence), histogram.join(' / ')].join(' | ')} |`;
}

function statisticsRow(title: string, samples: readonly Sample[]): string {
  const { channels, brightness, contrast, sharpness } = inputStatistics(samples);
  const figures = [brightness, ...channels, contrast, sharpness].map((value) => value.toFixed(1));
  return `| ${[title, ...figures].join(' | ')} |`;
}

function modelFile(version: number): string {
  return fileURLToPath(new URL(`../versions/${version}/model.onnx`, import.meta.url));
}

/** Prints the README's tables: the versions on clean frames, version 2 on drifted ones, the inputs. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '400' },
      seed: { type: 'string', default: HELD_OUT_SEED },
    },
  });
  const sampled = { count: Number(values.count), seed: Number(values.seed) };
  const clean = await renderSamples(sampled);
  const drifted: { drift: Drift; samples: Sample[] }[] = [];
  for (const drift of DRIFTS) {
    drifted.push({ drift, samples: await renderSamples({ ...sampled, drift }) });
  }
  const lines = [
    `| model, images | accuracy | confidence | predicted as ${PART_LABELS.join(' / ')} |`,
    '|---|---|---|---|',
  ];
  for (const version of VERSIONS) {
    lines.push(
      modelRow(`version ${version}, clean`, await measureModel(modelFile(version), clean)),
    );
  }
  for (const { drift, samples } of drifted) {
    const measured = await measureModel(modelFile(BEST_VERSION), samples);
    lines.push(modelRow(`version ${BEST_VERSION}, drift: ${drift}`, measured));
  }
  lines.push(
    '',
    '| images | brightness | red | green | blue | contrast | sharpness |',
    '|---|---|---|---|---|---|---|',
    statisticsRow('clean', clean),
    ...drifted.map(({ drift, samples }) => statisticsRow(`drift: ${drift}`, samples)),
  );
  process.stdout.write(`${lines.join('\n')}\n`);
}

await main();
