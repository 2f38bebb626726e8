import { restMs } from '../../rollouts/progress/rest.ts';

/** Work that is asked for often and done seldom. */
export interface Refresher {
  /** Asks for the work: at once where it has rested, else when it may run again. */
  request(): void;
  stop(): void;
}

/**
 * Runs `work` never twice at a time and at most once an interval, and less often where it takes
 * long; what was asked meanwhile is done once.
 *
 * @param work resolves to false where it failed
 */
export function createRefresher(work: () => Promise<unknown>, intervalMs: number): Refresher {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wanted = false;
  let resting = false;
  let stopped = false;

  async function run(): Promise<void> {
    wanted = false;
    resting = true;
    const beganMs = performance.now();
    let pauseMs = intervalMs;
    try {
      if ((await work()) !== false) pauseMs = restMs(intervalMs, performance.now() - beganMs);
    } finally {
      if (!stopped) timer = setTimeout(rested, pauseMs);
    }
  }

  function rested(): void {
    resting = false;
    if (wanted) void run();
  }

  return {
    request() {
      if (stopped) return;
      if (resting) wanted = true;
      else void run();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
