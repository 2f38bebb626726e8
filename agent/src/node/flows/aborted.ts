/** A signal's abort as a promise, for as long as it is needed. */
export interface Aborted {
  readonly promise: Promise<void>;
  /** To be called when nobody waits any more: the signal holds what waits for it. */
  forget(): void;
}

/**
 * One promise for the whole life of a signal would do to race against, and leak: it keeps a reaction of
 * every race (github.com/nodejs/node/issues/17469).
 */
export function abortedOf(signal: AbortSignal): Aborted {
  const { promise, resolve } = Promise.withResolvers<void>();
  const listener = () => resolve();
  if (signal.aborted) resolve();
  else signal.addEventListener('abort', listener, { once: true });
  return { promise, forget: () => signal.removeEventListener('abort', listener) };
}
