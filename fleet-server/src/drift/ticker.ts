import { asFlotillaError } from '@flotilla/protocol';
import type { ServerContext } from '../context.ts';
import { pruneTelemetry } from '../telemetry/prune.ts';
import { type DriftContext, detectDrift } from './detect.ts';

export interface DriftTicker {
  /** Judges what is over by now. Never overlaps: a call meanwhile waits for the one under way. */
  tick(): Promise<void>;
  stop(): Promise<void>;
}

const PRUNE_MS = 3_600_000;

/** Looks for drift every second, and once an hour lets go of telemetry that is past its retention. */
export function createDriftTicker(
  context: DriftContext & Pick<ServerContext, 'log' | 'now'>,
  intervalMs = 1000,
): DriftTicker {
  let running: Promise<void> | undefined;
  let prunedMs = 0;

  async function pass(): Promise<void> {
    const now = context.now();
    await detectDrift(context, now);
    if (now - prunedMs < PRUNE_MS) return;
    prunedMs = now;
    await pruneTelemetry(context.db, now);
  }

  function tick(): Promise<void> {
    running ??= pass()
      .catch((error: unknown) => {
        context.log.error(`drift was not judged: ${asFlotillaError(error).message}`);
      })
      .finally(() => {
        running = undefined;
      });
    return running;
  }

  const timer = setInterval(() => void tick(), intervalMs);
  timer.unref();
  return {
    tick,
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
