import { FlotillaError } from '@flotilla/protocol';
import type { Fetcher } from '../core/index.ts';

/** Silence after which a request is given up. */
const STALL_MS = 30_000;

/** HTTP by Node's fetch; a body that stalls ends like one whose connection broke. */
export function createHttpFetcher(stallMs = STALL_MS): Fetcher {
  return {
    async get(url, { headers, signal } = {}) {
      const stall = createStallTimer(stallMs);
      const both = signal === undefined ? stall.signal : AbortSignal.any([signal, stall.signal]);
      const response = await fetch(url, { headers: { ...headers }, signal: both }).catch(
        (cause) => {
          stall.stop();
          throw unreachable(url, cause);
        },
      );
      const useful = response.status === 200 || response.status === 206;
      if (!useful) {
        stall.stop();
        await response.body?.cancel();
      }
      return {
        status: response.status,
        header: (name) => response.headers.get(name) ?? undefined,
        body: readChunks(url, useful ? response.body : null, stall),
      };
    },
  };
}

async function* readChunks(
  url: string,
  body: ReadableStream<Uint8Array> | null,
  stall: StallTimer,
): AsyncIterable<Uint8Array> {
  if (body === null) return;
  try {
    for await (const chunk of body) {
      // a reader that keeps to a cap takes its time, and that is no fault of the connection
      stall.stop();
      yield chunk;
      stall.restart();
    }
  } catch (cause) {
    throw unreachable(url, cause);
  } finally {
    stall.stop();
  }
}

interface StallTimer {
  readonly signal: AbortSignal;
  restart(): void;
  stop(): void;
}

function createStallTimer(milliseconds: number): StallTimer {
  const controller = new AbortController();
  const give = () => controller.abort(new Error(`nothing came for ${milliseconds} ms`));
  let timer = setTimeout(give, milliseconds);
  return {
    signal: controller.signal,
    restart() {
      clearTimeout(timer);
      timer = setTimeout(give, milliseconds);
    },
    stop: () => clearTimeout(timer),
  };
}

/** What went wrong, in a few words; fetch hides it in the cause. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || ('code' in cause ? String(cause.code) : cause.name);
}

const unreachable = (url: string, cause: unknown) =>
  new FlotillaError('agent.unreachable', { url, reason: reasonOf(cause) }, { cause });
