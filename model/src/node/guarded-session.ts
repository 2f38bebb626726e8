import { FlotillaError } from '@flotilla/protocol';
import type { Session } from '../runtime.ts';
import type { Tensors } from '../tensor.ts';
import { checkFeeds } from '../tensors.ts';

type Facts = Pick<Session, 'inputs' | 'outputs' | 'runtime' | 'provider' | 'fallbacks'>;

interface Native {
  /** Called only with feeds that fit, and not after `release`. */
  run(feeds: Tensors): Tensors | Promise<Tensors>;
  /** Called once, when no run is under way. */
  release(): void | Promise<void>;
}

/** A session around what a runtime loaded: checks feeds, and lets go only when nothing runs. */
export function guardedSession(facts: Facts, native: Native): Session {
  let running = 0;
  let disposed = false;
  const idle = Promise.withResolvers<void>();
  return {
    ...facts,
    async run(feeds) {
      if (disposed) throw new FlotillaError('runtime.died', { reason: 'it was disposed' });
      checkFeeds(feeds, facts.inputs);
      running++;
      try {
        return await native.run(feeds);
      } finally {
        running--;
        if (disposed && running === 0) idle.resolve();
      }
    },
    async dispose() {
      if (disposed) return;
      disposed = true;
      if (running > 0) await idle.promise;
      await native.release();
    },
  };
}
