import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { runLimited } from '@flotilla/model/child';
import { asFlotillaError } from '@flotilla/protocol';
import type { ServerContext } from '../context.ts';
import type { Made, MakeRequest } from './make-child.ts';
import { forgetDeltas, type Pair, readDelta, touchDelta, writeDelta } from './store.ts';

export type FoundDelta =
  | { readonly kind: 'ready'; readonly digest: string; readonly size: number }
  | { readonly kind: 'making' }
  | { readonly kind: 'none'; readonly reason: string };

/** Deltas between blobs: made when a device first asks, kept as long as devices ask. */
export interface Deltas {
  /** Has one made where there is none yet. Both blobs must be the fleet's. */
  find(pair: Pair): Promise<FoundDelta>;
  /** Deletes those that no device asked for in a while. */
  collect(): Promise<void>;
  idle(): Promise<void>;
  close(): Promise<void>;
}

type Parts = Pick<ServerContext, 'db' | 'now' | 'log' | 'artifacts'>;

/** A longer delta saves too little: the whole blob needs no old one and fails in fewer ways. */
const LARGEST_SHARE = 0.7;
/** Both blobs lie in the memory of the child, with an index of the old one. */
const LARGEST_PAIR_BYTES = 768 << 20;
const MEMORY_BYTES = 2 ** 31;
const TIMEOUT_MS = 900_000;
/** Pairs that wait; a device that finds no place asks again. */
const MOST_WAITING = 64;
const KEPT_MS = 30 * 86_400_000;

/** @param folder for what is under way; emptied at the start */
export async function createDeltas(parts: Parts, folder: string): Promise<Deltas> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const waiting = new Map<string, Pair>();
  const stop = new AbortController();
  let running: Promise<void> | undefined;

  /** One at a time, in the order in which they were asked for. */
  async function drain(): Promise<void> {
    for (let next = first(); next !== undefined && !stop.signal.aborted; next = first()) {
      await make(parts, next, folder, stop.signal);
      waiting.delete(keyOf(next));
    }
    running = undefined;
  }
  const first = () => waiting.values().next().value;

  return {
    async find(pair) {
      const row = await readDelta(parts.db, pair);
      if (row === undefined) {
        if (waiting.size < MOST_WAITING) waiting.set(keyOf(pair), pair);
        running ??= drain();
        return { kind: 'making' };
      }
      await touchDelta(parts.db, row, parts.now());
      if (row.delta === '') return { kind: 'none', reason: row.reason };
      return { kind: 'ready', digest: row.delta, size: row.size };
    },
    async collect() {
      const gone = await forgetDeltas(parts.db, parts.now() - KEPT_MS);
      for (const digest of gone) await parts.artifacts.remove(digest);
    },
    idle: async () => running,
    async close() {
      stop.abort();
      await running;
    },
  };
}

const keyOf = ({ fleet, from, to }: Pair): string => `${fleet} ${from} ${to}`;

/** Never throws: a pair that fails has no delta, until that is forgotten. */
async function make(parts: Parts, pair: Pair, folder: string, signal: AbortSignal): Promise<void> {
  const { db, now, log } = parts;
  const startMs = now();
  try {
    const outcome = await attempt(parts, pair, folder, signal);
    await writeDelta(db, pair, { ...outcome, used_ms: now() });
    const ms = now() - startMs;
    const { fleet, from, to } = pair;
    log.info({ fleet, from, to, size: outcome.size, ms, reason: outcome.reason }, 'delta');
  } catch (error) {
    if (signal.aborted) return;
    const { message: reason } = asFlotillaError(error);
    log.warn({ ...pair, reason }, 'no delta');
    const none = { delta: '', size: 0, reason: reason.slice(0, 200), used_ms: now() };
    await writeDelta(db, pair, none).catch((cause: Error) => log.error(cause.message));
  }
}

const without = (reason: string) => ({ delta: '', size: 0, reason });

async function attempt(
  { artifacts, log }: Parts,
  { from, to }: Pair,
  folder: string,
  signal: AbortSignal,
) {
  const [old, next] = await Promise.all([artifacts.stat(from), artifacts.stat(to)]);
  if (old === undefined || next === undefined) return without('a blob is gone');
  if (old.size + next.size > LARGEST_PAIR_BYTES) return without('the blobs are too large');
  const work = join(folder, `${to.slice(-16)}-${from.slice(-16)}`);
  await mkdir(work, { recursive: true });
  try {
    const input: MakeRequest = {
      from: join(work, 'from'),
      to: join(work, 'to'),
      out: join(work, 'delta'),
      mostBytes: Math.floor(next.size * LARGEST_SHARE),
    };
    await pipeline(artifacts.read(from), createWriteStream(input.from));
    await pipeline(artifacts.read(to), createWriteStream(input.to));
    const made = await runLimited<Made>({
      script: new URL('./make-child.ts', import.meta.url),
      name: 'making a delta',
      input,
      memoryBytes: MEMORY_BYTES,
      timeoutMs: TIMEOUT_MS,
      onWarning: (text) => log.warn(text),
      signal,
    });
    if (made === undefined) return without(`it would save less than ${savedPercent} %`);
    await artifacts.put(made.digest, await readFile(input.out));
    return { delta: made.digest, size: made.size, reason: '' };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

const savedPercent = Math.round(100 * (1 - LARGEST_SHARE));
