import { asFlotillaError } from '@flotilla/protocol';
import type { ServerContext } from '../context.ts';
import { type AdvanceContext, advanceRollout } from './advance.ts';
import { createPublisher } from './publisher.ts';
import { unfinishedRollouts } from './store.ts';

export interface RolloutTicker {
  /** Takes every unfinished rollout as far as it can go. Never overlaps: a call that comes meanwhile runs after. */
  tick(): Promise<void>;
  /** A rollout has new evidence: its gates are judged again, soon. */
  touch(rollout: string): void;
  /** Resolves when the tick under way has ended. */
  stop(): Promise<void>;
}

/**
 * Drives all rollouts of this process: once a second for what time brings, and at once where a
 * report or telemetry came in. Holds nothing that cannot be rebuilt.
 */
export function createRolloutTicker(
  server: AdvanceContext & Pick<ServerContext, 'log' | 'now'>,
  intervalMs = 1000,
): RolloutTicker {
  const publisher = createPublisher(server);
  const context = { ...server, publishDesired: publisher.publish };
  const touched = new Set<string>();
  const seen = new Set<string>();
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = false;

  async function pass(): Promise<void> {
    await publisher.repeat();
    const rollouts = await unfinishedRollouts(context.db);
    for (const rollout of rollouts) {
      if (stopped) return;
      // a rollout that this process has not judged yet may have changed while it was away
      const fresh = touched.delete(rollout.id) || !seen.has(rollout.id);
      seen.add(rollout.id);
      try {
        await advanceRollout(context, rollout, { now: context.now(), fresh });
      } catch (error) {
        touched.add(rollout.id);
        const { code, message } = asFlotillaError(error);
        context.log.error({ rollout: rollout.id, code }, `rollout did not advance: ${message}`);
      }
    }
    const unfinished = new Set(rollouts.map(({ id }) => id));
    for (const set of [seen, touched]) {
      for (const id of set) if (!unfinished.has(id)) set.delete(id);
    }
  }

  async function run(): Promise<void> {
    do {
      again = false;
      await pass();
    } while (again && !stopped);
  }

  function tick(): Promise<void> {
    if (stopped) return Promise.resolve();
    if (running !== undefined) {
      again = true;
      return running;
    }
    running = run()
      .catch((error: unknown) => {
        context.log.error(`rollouts did not advance: ${asFlotillaError(error).message}`);
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
    touch(rollout) {
      touched.add(rollout);
      void tick();
    },
    async stop() {
      stopped = true;
      clearInterval(timer);
      await running;
    },
  };
}
