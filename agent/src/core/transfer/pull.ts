import type { BlobChunk } from '@flotilla/protocol';
import type { Clock } from '../ports.ts';

/** One transfer in chunks that may be lost or come twice. */
export interface Pull {
  /** A chunk of this name came, for this transfer or another. */
  take(chunk: BlobChunk): void;
  /** What the first answer says of the whole. */
  head(): Promise<BlobChunk>;
  /** The bytes in order, each once. */
  body(): AsyncIterable<Uint8Array>;
  /** Where the body ends; known after the head. */
  readonly end: number;
}

export interface PullOptions {
  readonly clock: Clock;
  /** As the chunks of this transfer say. */
  readonly from: string;
  readonly first: number;
  /** Where the range ends, if the whole is not shorter. */
  readonly end: number;
  readonly signal: AbortSignal;
  /** Asks for a range; throws where that cannot be sent. */
  ask(offset: number, length: number, chunk: number): Promise<void>;
  lost(reason: string): Error;
}

/** Bytes asked for at once: few at first, and more while they come quickly. */
const FIRST_WINDOW = 16 << 10;
const LEAST_WINDOW = 2 << 10;
const LARGEST_WINDOW = 256 << 10;
const LARGEST_CHUNK = 32 << 10;
/** A window that comes within this time may grow: the broker must not hold minutes of a slow link. */
const QUICK_MS = 2_000;
/** After so much silence the rest of a window is asked for again. */
const SILENCE_MS = 10_000;
/** Windows in a row of which nothing came. */
const MOST_SILENCES = 3;

/**
 * Asks for one window after the other, so that little is under way at any time; what was lost in the
 * middle is asked for again, and what came behind it is kept.
 */
export function createPull(options: PullOptions): Pull {
  const { clock, first, signal, ask, lost } = options;
  const held = new Map<number, Uint8Array>();
  let at = first;
  let window = FIRST_WINDOW;
  /** Where the window that is awaited ends. */
  let windowEnd = first;
  let seen: BlobChunk | undefined;
  let changed = false;
  let wake = () => {};

  /** Chunks that lie together from `at` on. */
  function next(): Uint8Array | undefined {
    for (const [offset, data] of held) {
      if (offset + data.length <= at) held.delete(offset);
      else if (offset <= at) {
        held.delete(offset);
        return data.subarray(at - offset);
      }
    }
    return undefined;
  }

  const isGap = () =>
    held.size > 0 && [...held].some(([at, data]) => at + data.length >= windowEnd);

  /** Sleeps until a chunk comes or it has been silent for too long. */
  async function listen(): Promise<boolean> {
    const heard = new AbortController();
    wake = () => heard.abort();
    await clock.sleep(SILENCE_MS, AbortSignal.any([heard.signal, signal]));
    signal.throwIfAborted();
    return heard.signal.aborted;
  }

  async function request(): Promise<void> {
    const gapEnd = Math.min(...held.keys());
    windowEnd = Math.min(at + window, self.end, gapEnd);
    await ask(at, windowEnd - at, Math.min(LARGEST_CHUNK, window));
  }

  const self = {
    end: options.end,
    take(chunk: BlobChunk) {
      if (chunk.from !== options.from) return;
      if (seen?.status === 206 && chunk.status === 206) {
        changed ||= chunk.digest !== seen.digest || chunk.total !== seen.total;
      }
      seen ??= chunk;
      const { offset, data } = chunk;
      const wanted = offset + data.length > at && offset < at + LARGEST_WINDOW;
      if (chunk.status === 206 && data.length > 0 && wanted) held.set(offset, data);
      wake();
    },
    async head() {
      for (let silences = 0; seen === undefined; silences++) {
        if (silences >= MOST_SILENCES) throw lost('no answer');
        await request();
        if (seen === undefined) await listen();
      }
      self.end = Math.min(self.end, seen.total);
      return seen;
    },
    async *body() {
      let silences = 0;
      let askedMs = clock.monotonic();
      windowEnd = Math.min(windowEnd, self.end);
      while (at < self.end) {
        if (changed) throw lost('it changed meanwhile');
        const data = next();
        if (data !== undefined) {
          const part = data.subarray(0, self.end - at);
          at += part.length;
          silences = 0;
          yield part;
          continue;
        }
        const complete = at >= windowEnd;
        if (!complete && !isGap() && (await listen())) continue;
        if (complete) {
          const quick = clock.monotonic() - askedMs < QUICK_MS;
          window = quick ? Math.min(LARGEST_WINDOW, window * 2) : window;
        } else {
          window = Math.max(LEAST_WINDOW, window / 2);
          if (!isGap() && ++silences >= MOST_SILENCES) throw lost('no answer');
        }
        askedMs = clock.monotonic();
        await request();
      }
    },
  };
  return self;
}
