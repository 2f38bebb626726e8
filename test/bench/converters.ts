/** Flotilla's converters beside the Python tools: accuracy, latency, time and memory in one run. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Limits, Subject } from '../models/zoo/subject.ts';
import { modelFile, SUBJECTS } from '../models/zoo/subjects.ts';
import { benchSubject, type SubjectResult } from './converters/bench-subject.ts';
import { type Figure, fasterSomewhere, figuresOf } from './converters/figures.ts';
import { bundleMaker } from './converters/make.ts';
import { type ManySamples, withManySamples } from './converters/many-samples.ts';
import { openPeers } from './converters/peers.ts';
import { figureLines, markdownTable, textTable } from './converters/table.ts';

const HELP = `npm run bench:converters -- [--models a,b] [--quick] [--json | --markdown]

Compares Flotilla with onnxruntime.quantization on models of FLOTILLA_MODELS (default
../shared/models): ${SUBJECTS.map(({ name }) => name).join(', ')}.

  --models a,b   only these
  --quick        min/max only, fewer samples that judge
  --json         prints the rows as JSON, nothing else
  --markdown     prints the table as it stands in docs/benchmarks.md

for instance: npm run bench:converters -- --models kws01 --quick`;

const LIMITS: Limits = { calibration: 100, evaluation: 1000 };
const QUICK: Limits = { calibration: 100, evaluation: 200 };
/** A sample of the style net takes seconds. */
const HEAVY: Readonly<Record<string, Limits>> = { style: { calibration: 4, evaluation: 4 } };
const MANY_ON = 'squeezenet';

interface Options {
  readonly models: string;
  readonly only: readonly string[] | undefined;
  readonly quick: boolean;
  readonly form: 'table' | 'json' | 'markdown';
}

async function main(options: Options): Promise<void> {
  const progress = (text: string) => console.error(text);
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-bench-'));
  const load = loadavg()[0] ?? 0;
  try {
    await bundleMaker();
    progress('making the environment of the Python peers ready');
    const peers = await openPeers();
    const python = 'python' in peers ? peers.python : undefined;
    const skipped = 'missing' in peers ? [`onnxruntime: ${peers.missing}`] : [];
    const results: SubjectResult[] = [];
    const figures: Figure[] = [];
    for (const subject of chosenSubjects(options, skipped)) {
      const own = join(folder, subject.name);
      await mkdir(own);
      const { models, quick } = options;
      const limits = HEAVY[subject.name] ?? (quick ? QUICK : LIMITS);
      const given = { models, quick, limits, python, folder: own, onProgress: progress };
      const result = await benchSubject(subject, given);
      const many = await manySamples(result, quick, python).catch((error: unknown) => {
        skipped.push(`${subject.name}, 1,000 samples: ${String(error)}`);
        return [];
      });
      results.push(result);
      skipped.push(...result.skipped);
      figures.push(...figuresOf(result, many));
      await rm(own, { recursive: true, force: true });
    }
    figures.push(...fasterSomewhere(results));
    for (const each of skipped) progress(`skipped: ${each}`);
    progress(`load average ${load.toFixed(1)} before, ${(loadavg()[0] ?? 0).toFixed(1)} after`);
    print(results, figures, options.form);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function chosenSubjects({ models, only }: Options, skipped: string[]): Subject[] {
  return SUBJECTS.filter((subject) => {
    if (only !== undefined && !only.includes(subject.name)) return false;
    const file = modelFile(subject, models);
    if (!existsSync(file)) skipped.push(`${subject.name}: there is no ${file}`);
    return existsSync(file);
  });
}

async function manySamples(
  { subject, ground }: SubjectResult,
  quick: boolean,
  python: string | undefined,
): Promise<ManySamples[]> {
  if (quick || subject !== MANY_ON) return [];
  console.error(`${subject}: calibrating with 1,000 samples`);
  return await withManySamples(ground, python ?? '');
}

function print(
  results: readonly SubjectResult[],
  figures: readonly Figure[],
  form: Options['form'],
) {
  const rows = results.flatMap(({ entries }) => entries.map(({ row }) => row));
  if (form === 'json') {
    console.log(JSON.stringify(rows));
    return;
  }
  console.log(`${cpus()[0]?.model.trim()}, ${cpus().length} processors\n`);
  console.log(form === 'markdown' ? markdownTable(rows) : textTable(rows));
  console.log(`\n${figureLines(figures)}`);
}

function options(): Options | undefined {
  const { values } = parseArgs({
    options: {
      models: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      markdown: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const form = values.json ? 'json' : values.markdown ? 'markdown' : 'table';
  const models = resolve(
    process.env.FLOTILLA_MODELS ?? join(import.meta.dirname, '../../../shared/models'),
  );
  return { models, only: values.models?.split(','), quick: values.quick, form };
}

const given = options();
if (given === undefined) console.log(HELP);
else await main(given);
