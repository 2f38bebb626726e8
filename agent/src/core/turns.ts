/**
 * Sections under one key run one after the other, beside those under others. Whoever waits leaves
 * when its signal aborts.
 */
export type Turns = <T>(key: string, signal: AbortSignal, section: () => Promise<T>) => Promise<T>;

export function createTurns(): Turns {
  const running = new Map<string, Promise<void>>();
  return async (key, signal, section) => {
    for (let other = running.get(key); other !== undefined; other = running.get(key)) {
      await unlessAborted(other, signal);
    }
    const own = Promise.withResolvers<void>();
    running.set(key, own.promise);
    try {
      return await section();
    } finally {
      running.delete(key);
      own.resolve();
    }
  };
}

async function unlessAborted(done: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.throwIfAborted();
  signal.addEventListener('abort', abort, { once: true });
  await Promise.race([done, aborted]).finally(() => signal.removeEventListener('abort', abort));
}
