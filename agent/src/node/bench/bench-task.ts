/** Runs in a limited child process: a bundle that was never tried may abort the runtime. */
import { readFile } from 'node:fs/promises';
import {
  decodeGolden,
  describeFallbacks,
  type LoadOptions,
  loadWithFallback,
  type RuntimeNeed,
} from '@flotilla/model';
import { makeRuntime, type RuntimeSpec } from '@flotilla/model/node';
import {
  FlotillaError,
  MEDIA,
  openBundle,
  type Precision,
  parseManifest,
} from '@flotilla/protocol';
import { readBundleFile } from '@flotilla/protocol/node';
import { benchmark } from '../benchmark.ts';

/** A bundle file, or the blobs of one that lies in a data folder. */
export type BenchSubject =
  | { readonly kind: 'file'; readonly file: string }
  | {
      readonly kind: 'stored';
      readonly model: string;
      readonly golden: string;
      readonly bundle: BenchedBundle;
    };

/** What a figure is of. */
export interface BenchedBundle {
  readonly model: string;
  readonly version: number;
  readonly target: string;
  readonly precision: Precision;
  /** Digest of the model file. */
  readonly digest: string;
  readonly need: RuntimeNeed;
}

export interface BenchTask {
  readonly subject: BenchSubject;
  readonly runtimes: readonly RuntimeSpec[];
  readonly runs: number;
  readonly options: LoadOptions;
}

/** Milliseconds; runs are one after the other, on the bundle's golden inputs. */
export interface BenchFigures {
  readonly bundle: BenchedBundle;
  readonly bytes: number;
  readonly loadMs: number;
  readonly firstRunMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly runs: number;
  /** Memory that loading and running the model took. */
  readonly rssBytes: number;
  readonly runtime: string;
  readonly provider: string;
  readonly fallbacks: readonly string[];
}

const WARM_UP = 3;

export async function run({ subject, runtimes, runs, options }: BenchTask): Promise<BenchFigures> {
  const made = await Promise.all(runtimes.map(makeRuntime));
  const { bundle, model, golden } = await openSubject(subject);
  const { inputs } = decodeGolden(golden);
  const [first] = inputs;
  if (first === undefined) {
    const reason = 'it has no golden samples to run';
    throw new FlotillaError('bundle.invalid', { where: bundle.digest, reason });
  }
  const beforeBytes = process.memoryUsage.rss();
  const loadBegan = performance.now();
  const { need, precision } = bundle;
  const session = await loadWithFallback(made, need, model, { ...options, precision });
  const loadMs = performance.now() - loadBegan;
  const firstBegan = performance.now();
  await session.run(first);
  const firstRunMs = performance.now() - firstBegan;
  for (let i = 0; i < WARM_UP; i++) await session.run(first);
  const limits = { mostRuns: runs, fewestRuns: runs, budgetMs: 0 };
  const times = await benchmark(session, inputs, limits);
  const { runtime, provider, fallbacks } = session;
  return {
    bundle,
    bytes: model.length,
    loadMs,
    firstRunMs,
    ...times,
    rssBytes: Math.max(0, process.memoryUsage.rss() - beforeBytes),
    runtime,
    provider,
    fallbacks: describeFallbacks(fallbacks),
  };
}

interface Opened {
  readonly bundle: BenchedBundle;
  readonly model: Uint8Array;
  readonly golden: Uint8Array;
}

async function openSubject(subject: BenchSubject): Promise<Opened> {
  if (subject.kind === 'stored') {
    const [model, golden] = await Promise.all([readFile(subject.model), readFile(subject.golden)]);
    return { bundle: subject.bundle, model, golden };
  }
  const { file } = subject;
  const { manifestBytes, blobs } = await readBundleFile(file);
  const configBytes = blobs.get(parseManifest(manifestBytes, file).config.digest);
  const { config, model, blob } = await openBundle(
    manifestBytes,
    configBytes ?? new Uint8Array(),
    file,
  );
  const bytes = model && blobs.get(model.digest);
  const golden = blobs.get(blob(MEDIA.golden)?.digest ?? '');
  if (model === undefined || bytes === undefined || golden === undefined) {
    throw new FlotillaError('bundle.invalid', { where: file, reason: 'it lacks model or samples' });
  }
  const { runtime: need, ...rest } = config;
  return { bundle: { ...rest, digest: model.digest, need }, model: bytes, golden };
}
