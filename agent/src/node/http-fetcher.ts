import { FlotillaError } from '@flotilla/protocol';
import type { Fetcher } from '../core/index.ts';
import { httpGet } from './http-get.ts';

/** Silence after which a request is given up. */
const STALL_MS = 30_000;

/** HTTP; a body that stalls ends like one whose connection broke. */
export function createHttpFetcher(stallMs = STALL_MS): Fetcher {
  return {
    async get(url, { headers, signal } = {}) {
      const stall = createStallTimer(stallMs);
      const both = signal === undefined ? stall.signal : AbortSignal.any([signal, stall.signal]);
      const response = await httpGet(url, { headers: { ...headers }, signal: both }).catch(
        (cause) => {
          stall.stop();
          throw unreachable(url, cause);
        },
      );
      const { statusCode: status = 0 } = response;
      const useful = status === 200 || status === 206;
      if (!useful) {
        stall.stop();
        response.destroy();
      }
      return {
        status,
        over: 'http',
        header: (name) => response.headers[name.toLowerCase()]?.toString(),
        body: readChunks(url, useful ? response : undefined, stall),
      };
    },
  };
}

async function* readChunks(
  url: string,
  body: AsyncIterable<Uint8Array> | undefined,
  stall: StallTimer,
): AsyncIterable<Uint8Array> {
  if (body === undefined) return;
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

/** What went wrong, in a few words; it may be hidden in the cause. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || ('code' in cause ? String(cause.code) : cause.name);
}

const unreachable = (url: string, cause: unknown) =>
  new FlotillaError('agent.unreachable', { url, reason: reasonOf(cause) }, { cause });
