import type { Clock } from './ports.ts';

export interface Wakeup {
  wake(): void;
  /** Resolves at the next `wake` (or one that came since the last wait), after a time, or on abort. */
  wait(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** Lets a loop sleep until there is something to do. */
export function createWakeup(clock: Clock): Wakeup {
  let woken = false;
  let interrupt: (() => void) | undefined;
  return {
    wake() {
      woken = true;
      interrupt?.();
    },
    async wait(milliseconds, signal) {
      const stop = new AbortController();
      interrupt = () => stop.abort();
      if (!woken) {
        const either = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
        await clock.sleep(milliseconds, either);
      }
      interrupt = undefined;
      woken = false;
    },
  };
}
