import { createSseParser, type ServerEvent } from './sse.ts';

export type LiveState = 'connecting' | 'live' | 'reconnecting';

export interface LiveOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Events as they come; `reset` says that some were missed. */
  readonly onEvent: (event: ServerEvent) => void;
  readonly onState: (state: LiveState) => void;
  /** The server refuses the token. */
  readonly onRefused: () => void;
}

const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 15_000;
/** The server sends something every 15 s: a longer silence is a dead connection. */
const SILENCE_MS = 40_000;

/**
 * Follows an event stream and comes back when it breaks, with the last id it saw, so that nothing
 * is missed. `EventSource` cannot send a token in a header.
 *
 * @returns how to end it
 */
export function openLive(options: LiveOptions): () => void {
  const ended = new AbortController();
  void follow(options, ended.signal);
  return () => ended.abort();
}

async function follow(options: LiveOptions, ended: AbortSignal): Promise<void> {
  const { onEvent, onState, onRefused } = options;
  let lastId = '';
  let failures = 0;
  onState('connecting');
  while (!ended.aborted) {
    const status = await readStream(options, lastId, ended, {
      onOpen() {
        failures = 0;
        onState('live');
        if (lastId === '') onEvent({ id: '', event: 'reset', data: '{}' });
      },
      onEvent(event) {
        if (event.id !== '') lastId = event.id;
        onEvent(event);
      },
    });
    if (ended.aborted) return;
    if (status === 401 || status === 403) return onRefused();
    onState('reconnecting');
    await pause(waitMs(failures++, Math.random()), ended);
  }
}

/** Doubles up to a limit; half of it is chance, so that many readers do not return at once. */
export function waitMs(failures: number, chance: number): number {
  const full = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);
  return full / 2 + (full / 2) * chance;
}

interface StreamHandlers {
  readonly onOpen: () => void;
  readonly onEvent: (event: ServerEvent) => void;
}

/** @returns the status with which the stream began, 0 where there was none */
async function readStream(
  { url, headers }: LiveOptions,
  lastId: string,
  ended: AbortSignal,
  { onOpen, onEvent }: StreamHandlers,
): Promise<number> {
  const broken = new AbortController();
  let silence: ReturnType<typeof setTimeout> | undefined;
  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(() => broken.abort(), SILENCE_MS);
  };
  heard();
  try {
    const response = await fetch(url, {
      headers: {
        ...headers,
        accept: 'text/event-stream',
        ...(lastId && { 'last-event-id': lastId }),
      },
      cache: 'no-store',
      credentials: 'omit',
      signal: AbortSignal.any([ended, broken.signal]),
    });
    if (!response.ok || response.body === null) return response.status;
    onOpen();
    const parse = createSseParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      heard();
      for (const event of parse(read.value)) onEvent(event);
    }
    return response.status;
  } catch {
    return 0;
  } finally {
    clearTimeout(silence);
    broken.abort();
  }
}

function pause(ms: number, ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    ended.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
