/** Work that is asked for often and done seldom. */
export interface Refresher {
  /** Asks for the work: at once where it has rested, else when it may run again. */
  request(): void;
  stop(): void;
}

/** Runs `work` never twice at a time and at most once an interval; what was asked meanwhile is done once. */
export function createRefresher(work: () => Promise<void>, intervalMs: number): Refresher {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wanted = false;
  let resting = false;
  let stopped = false;

  function run(): void {
    wanted = false;
    resting = true;
    void work().finally(() => {
      if (stopped) return;
      timer = setTimeout(() => {
        resting = false;
        if (wanted) run();
      }, intervalMs);
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
