/** Work that is asked for often and done seldom. */
export interface Refresher {
  /** Asks for the work: at once where it has rested, else when it may run again. */
  request(): void;
  stop(): void;
}

/** Between two runs, as a multiple of the one before: what takes the server long is asked for seldom. */
const REST = 5;

/** Runs `work` never twice at a time and at most once an interval; what was asked meanwhile is done once. */
export function createRefresher(work: () => Promise<void>, intervalMs: number): Refresher {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wanted = false;
  let resting = false;
  let stopped = false;

  function run(): void {
    wanted = false;
    resting = true;
    const beganMs = performance.now();
    void work().finally(() => {
      if (stopped) return;
      const restMs = Math.max(intervalMs, REST * (performance.now() - beganMs));
      timer = setTimeout(() => {
        resting = false;
        if (wanted) run();
      }, restMs);
    });
  }

  return {
    request() {
      if (stopped) return;
      if (resting) wanted = true;
      else run();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
