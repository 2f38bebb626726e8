import type { FlotillaError } from '@flotilla/protocol';
import type { WantedDeployment } from '../state.ts';
import type { StepContext } from './context.ts';

/** Tells the server how far a download is. */
export interface Progress {
  /** What follows has so many bytes. */
  begin(bytesTotal: number): void;
  /** So many are on disk; told now and then, never the last: the next step says that. */
  reach(bytesDone: number): void;
  /** Told at once: why the download waits, or with undefined that it goes on. */
  say(why: FlotillaError | undefined, beside: readonly string[]): void;
}

export function createProgress(
  context: Pick<StepContext, 'clock' | 'settings' | 'progress'>,
  { id, attempt, slot, digest }: WantedDeployment,
): Progress {
  const { clock, settings } = context;
  let toldMs = clock.monotonic();
  let bytesTotal = 0;
  let bytesDone = 0;

  function tell(why: FlotillaError | undefined, beside: readonly string[] = []): void {
    toldMs = clock.monotonic();
    const what = { deployment: id, attempt, step: 'download', slot, digest, bytesDone, bytesTotal };
    const because =
      why === undefined ? {} : { code: why.code, detail: [why.message, ...beside].join('; ') };
    // a report that cannot be stored must not stop the download
    context.progress({ ...what, ...because }).catch(() => undefined);
  }

  return {
    begin(bytes) {
      bytesTotal = bytes;
      bytesDone = 0;
    },
    reach(bytes) {
      bytesDone = bytes;
      const due = clock.monotonic() - toldMs >= settings.progressEveryMs;
      if (due && bytesDone < bytesTotal) tell(undefined);
    },
    say: tell,
  };
}
