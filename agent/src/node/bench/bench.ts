import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AUTO_PROVIDERS, isAccelerator } from '@flotilla/model';
import { findRuntimes, LEAST_MEMORY_BYTES, runLimited } from '@flotilla/model/node';
import { FlotillaError } from '@flotilla/protocol';
import { isTargetId } from '@flotilla/targets';
import { committedBundle } from '../../core/index.ts';
import type { NodeAgentOptions } from '../create-agent.ts';
import { findEnrolment } from '../data-folder.ts';
import { readCapabilities } from '../device/capabilities.ts';
import { createFileStorage } from '../file-storage.ts';
import type { BenchFigures, BenchSubject, BenchTask } from './bench-task.ts';

export interface BenchRequest {
  /** A slot, or a bundle file. */
  readonly what: string;
  readonly runs: number;
  /** Data folder, runtimes, threads and providers. */
  readonly agent: NodeAgentOptions;
  readonly signal?: AbortSignal;
}

/**
 * One row as `flotilla bench --json` prints them, so that `flotilla optimize --measurements` reads
 * it; milliseconds.
 */
export interface BenchRow {
  readonly model: string;
  /** Of the model file. */
  readonly digest: string;
  /** Of an fp32 bundle only: its file is not the one that was optimized, which has no other row. */
  readonly precision?: 'fp32';
  /** The hardware class of this device, where it is one that is known. */
  readonly target?: string;
  readonly bytes: number;
  readonly loadMs: number;
  readonly firstRunMs: number;
  readonly latencyMs: {
    readonly p50: number;
    readonly p95: number;
    readonly measuredOn: {
      readonly cpu: string;
      readonly provider: string;
      readonly threads: number;
    };
  };
  /** Memory that loading and running the model took. */
  readonly rssBytes: number;
  readonly runs: number;
  /** Why other runtimes and providers did not take the model. */
  readonly fallbacks: readonly string[];
}

const TASK = new URL('./bench-task.ts', import.meta.url);
const TIMEOUT_MS = 600_000;
/** A bundle file is held whole, and its model once more by the runtime. */
const COPIES = 4;

/**
 * Times a model on this device in a child process with limits of time and memory.
 *
 * @throws FlotillaError `infer.no-slot`, `bundle.invalid`, and how the child failed
 */
export async function bench({ what, runs, agent, signal }: BenchRequest): Promise<BenchRow> {
  const { data, threads = 1, providers = [AUTO_PROVIDERS], libraryPath } = agent;
  const { subject, bytes } = await subjectOf(what, data);
  const found = await findRuntimes(agent);
  const input: BenchTask = {
    subject,
    runtimes: found.specs,
    runs,
    options: { threads, providers },
  };
  const accelerated = found.runtimes.some((runtime) => runtime.providers.some(isAccelerator));
  const figures = await runLimited<BenchFigures>({
    script: TASK,
    name: `the benchmark of ${what}`,
    input,
    // the driver of a GPU maps far more than it uses
    ...(accelerated ? {} : { memoryBytes: LEAST_MEMORY_BYTES + COPIES * bytes }),
    timeoutMs: TIMEOUT_MS,
    ...(libraryPath === undefined ? {} : { env: { LD_LIBRARY_PATH: libraryPath } }),
    ...(signal === undefined ? {} : { signal }),
  });
  return rowOf(figures, threads, await hardware(data));
}

/** A file where it is named as one, else a slot. */
async function subjectOf(
  what: string,
  data: string,
): Promise<{ readonly subject: BenchSubject; readonly bytes: number }> {
  if (what.endsWith('.flotilla') || what.includes('/')) {
    const info = await stat(what).catch((cause) => {
      throw new FlotillaError('load.unreadable', { file: what, reason: cause.code }, { cause });
    });
    return { subject: { kind: 'file', file: what }, bytes: info.size };
  }
  const { bundle, paths } = await committedBundle(createFileStorage(data), what);
  const { runtime: need, memoryBytes, ...rest } = bundle.config;
  const subject: BenchSubject = {
    kind: 'stored',
    model: join(data, paths.model),
    golden: join(data, paths.golden),
    bundle: { ...rest, digest: bundle.model.digest, need },
  };
  return { subject, bytes: bundle.model.size + memoryBytes };
}

async function hardware(data: string) {
  const target = (await findEnrolment(data))?.target ?? '';
  const { target: found, cpuModel } = await readCapabilities({ data, target, runtimes: [] });
  return { target: found, cpu: cpuModel || 'unknown' };
}

function rowOf(
  figures: BenchFigures,
  threads: number,
  { target, cpu }: { readonly target: string; readonly cpu: string },
): BenchRow {
  const { bundle, provider, p50Ms, p95Ms, bytes, loadMs, firstRunMs, rssBytes } = figures;
  const { model, version, precision, digest } = bundle;
  return {
    model: `${model}@${version} ${bundle.target} ${precision}`,
    digest,
    ...(precision === 'fp32' ? { precision } : {}),
    ...(isTargetId(target) ? { target } : {}),
    bytes,
    loadMs,
    firstRunMs,
    latencyMs: { p50: p50Ms, p95: p95Ms, measuredOn: { cpu, provider, threads } },
    rssBytes,
    runs: figures.runs,
    fallbacks: figures.fallbacks,
  };
}
