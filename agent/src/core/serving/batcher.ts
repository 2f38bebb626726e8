import type { Tensors } from '@flotilla/model';
import { join, kindOf, samplesIn, split } from './join.ts';

/** One run of a model, as it was for one of those who share it. */
export interface Run {
  readonly outputs: Tensors;
  /** Of the run, as `Inference.runMs` has it. */
  readonly runMs: number;
  /** From the call to the run. */
  readonly queueMs: number;
}

/** Runs a model once, at once. */
export type Execute = (feeds: Tensors) => Promise<Run>;

export interface BatchLimits {
  /** Most samples in one run; 1 joins nothing. */
  readonly maxBatch: number;
  /** How long a request that could run waits for others; 0 does not wait. */
  readonly delayMs: number;
}

export interface BatcherPorts {
  readonly execute: Execute;
  nowMs(): number;
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

interface Waiting {
  readonly feeds: Tensors;
  /** Known once another waits beside it: most wait alone. */
  kind?: string;
  readonly samples: number;
  readonly sinceMs: number;
  readonly done: PromiseWithResolvers<Run>;
}

/**
 * Runs one request at a time, and together those that came meanwhile: a model is run on what waits
 * when it is free, along the first dimension, so that nobody waits for others unless `delayMs` says so.
 * Where a joined run fails each is run alone, so that one request cannot spoil another's.
 */
export function createBatcher(
  ports: BatcherPorts,
  limits: BatchLimits,
): (feeds: Tensors) => Promise<Run> {
  let waiting: Waiting[] = [];
  let busy = false;
  let full = new AbortController();

  async function pump(): Promise<void> {
    busy = true;
    while (waiting.length > 0) {
      full = new AbortController();
      if (limits.delayMs > 0 && !isFull(waiting, limits.maxBatch)) {
        await ports.sleep(limits.delayMs, full.signal);
      }
      const { batch, rest } = takeBatch(waiting, limits.maxBatch);
      waiting = rest;
      await runBatch(ports, batch);
    }
    busy = false;
  }

  /** Most requests find the model free and nobody beside them. */
  async function runAlone(feeds: Tensors): Promise<Run> {
    busy = true;
    try {
      return await ports.execute(feeds);
    } finally {
      if (waiting.length > 0) void pump();
      else busy = false;
    }
  }

  return (feeds) => {
    if (!busy && limits.delayMs === 0) return runAlone(feeds);
    const done = Promise.withResolvers<Run>();
    const samples = samplesIn(feeds) ?? limits.maxBatch;
    waiting.push({ feeds, samples, sinceMs: ports.nowMs(), done });
    if (!busy) void pump();
    else if (limits.delayMs > 0 && isFull(waiting, limits.maxBatch)) full.abort();
    return done.promise;
  };
}

const isFull = (waiting: Waiting[], most: number): boolean =>
  takeBatch(waiting, most).batch.reduce((sum, { samples }) => sum + samples, 0) >= most;

/** The oldest request, and of those after it what is like it and still fits. */
function takeBatch(waiting: Waiting[], most: number): { batch: Waiting[]; rest: Waiting[] } {
  if (waiting.length < 2) return { batch: waiting, rest: [] };
  const batch: Waiting[] = [];
  const rest: Waiting[] = [];
  let samples = 0;
  for (const each of waiting) {
    const first = batch[0];
    const joins = first === undefined || (isAlike(each, first) && samples + each.samples <= most);
    if (joins) samples += each.samples;
    (joins ? batch : rest).push(each);
  }
  return { batch, rest };
}

function isAlike(a: Waiting, b: Waiting): boolean {
  a.kind ??= kindOf(a.feeds);
  b.kind ??= kindOf(b.feeds);
  return a.kind === b.kind;
}

async function runBatch(ports: BatcherPorts, batch: readonly Waiting[]): Promise<void> {
  if (batch.length > 1 && (await runJoined(ports, batch))) return;
  for (const { feeds, sinceMs, done } of batch) {
    const queueMs = ports.nowMs() - sinceMs;
    await ports.execute(feeds).then((run) => done.resolve({ ...run, queueMs }), done.reject);
  }
}

/** False where the run failed, or did not give a row a sample. */
async function runJoined(ports: BatcherPorts, batch: readonly Waiting[]): Promise<boolean> {
  const beganMs = ports.nowMs();
  const run = await ports.execute(join(batch.map(({ feeds }) => feeds))).catch(() => undefined);
  const parts =
    run &&
    split(
      run.outputs,
      batch.map(({ samples }) => samples),
    );
  if (run === undefined || parts === undefined) return false;
  for (const [i, { sinceMs, done }] of batch.entries()) {
    done.resolve({ outputs: parts[i]!, runMs: run.runMs, queueMs: beganMs - sinceMs });
  }
  return true;
}
