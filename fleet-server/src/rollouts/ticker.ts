import { asFlotillaError } from '@flotilla/protocol';
import type { ServerContext } from '../context.ts';
import { type AdvanceContext, type Advanced, advanceRollout, type Freshness } from './advance.ts';
import { createJoiner } from './joiner.ts';
import { createPublisher } from './publisher.ts';
import { type Rollout, unfinishedRollouts } from './store.ts';
import { createTelemetrySums, type TelemetrySums } from './sums.ts';

export interface RolloutTicker {
  /** Takes every unfinished rollout as far as it can go. Never overlaps: a call that comes meanwhile runs after. */
  tick(): Promise<void>;
  /** A rollout has new evidence: it is planned and its gates are judged again, soon. */
  touch(rollout: string): void;
  /** Resolves when the tick under way has ended. */
  stop(): Promise<void>;
}

/** Between two passes that reports ask for, so that a thousand reports are one pass. */
const GAP_MS = 200;
/** Judging takes at most one part in so many of the time, however large the fleet. */
const JUDGING_SHARE = 10;
/** Devices that do nothing but crash report nothing: what was judged that long ago is judged again. */
const STALE_MS = 10_000;

/**
 * Drives all rollouts of this process: once a second for what time brings, and at once where a
 * report or telemetry came in. Holds nothing that cannot be rebuilt.
 */
export function createRolloutTicker(
  server: AdvanceContext & Pick<ServerContext, 'log' | 'now' | 'changes'>,
  intervalMs = 1000,
): RolloutTicker {
  const publisher = createPublisher(server);
  const joiner = createJoiner(server);
  const context = { ...server, publishDesired: publisher.publish };
  const touched = new Set<string>();
  /** Rollouts that had more to do than one round takes. */
  const unsettled = new Set<string>();
  /** When, by the process's clock, a rollout's gates may be judged again; absent before the first time. */
  const judgeAt = new Map<string, number>();
  const sums = new Map<string, TelemetrySums>();
  let running: Promise<void> | undefined;
  let soon: NodeJS.Timeout | undefined;
  let lastPass = Number.NEGATIVE_INFINITY;
  /** The next pass is for all rollouts, or for those that were touched. */
  let forAll = false;
  let forTouched = false;
  let stopped = false;

  function evidenceOf(id: string): Freshness {
    const at = judgeAt.get(id);
    // a rollout that this process has not judged yet may have changed while it was away
    if (at === undefined) return 'new';
    const since = performance.now() - at;
    if (!touched.has(id)) return since >= STALE_MS ? 'new' : 'same';
    return since >= 0 ? 'new' : 'later';
  }

  async function advance({ fleet, id }: Rollout): Promise<void> {
    const evidence = evidenceOf(id);
    touched.delete(id);
    unsettled.delete(id);
    try {
      const target = { now: context.now(), evidence, rounds: 1 };
      const read = sums.get(id) ?? createTelemetrySums();
      sums.set(id, read);
      note(id, await advanceRollout({ ...context, sums: read }, { fleet, id }, target));
    } catch (error) {
      touched.add(id);
      const { code, message } = asFlotillaError(error);
      context.log.error({ rollout: id, code }, `rollout did not advance: ${message}`);
    }
  }

  function note(id: string, { settled, judged, judgingMs }: Advanced): void {
    if (!settled) unsettled.add(id);
    if (!judged) touched.add(id);
    if (judgingMs > 0) judgeAt.set(id, performance.now() + judgingMs * (JUDGING_SHARE - 1));
  }

  async function pass(all: boolean): Promise<void> {
    if (all) await publisher.repeat();
    const rollouts = await unfinishedRollouts(context.db);
    if (all) await joiner.join(rollouts);
    for (const rollout of rollouts) {
      if (stopped) return;
      const { id } = rollout;
      if (all || touched.has(id) || unsettled.has(id)) await advance(rollout);
    }
    const unfinished = new Set(rollouts.map(({ id }) => id));
    for (const known of [judgeAt, touched, unsettled, sums]) {
      for (const id of known.keys()) if (!unfinished.has(id)) known.delete(id);
    }
  }

  async function run(): Promise<void> {
    do {
      const all = forAll;
      forAll = false;
      forTouched = false;
      await pass(all);
    } while (!stopped && (forAll || unsettled.size > 0));
  }

  function start(): Promise<void> {
    clearTimeout(soon);
    soon = undefined;
    running ??= run()
      .catch((error: unknown) => {
        context.log.error(`rollouts did not advance: ${asFlotillaError(error).message}`);
      })
      .finally(() => {
        running = undefined;
        lastPass = performance.now();
        if (forTouched) startSoon();
      });
    return running;
  }

  function startSoon(): void {
    if (stopped || running !== undefined || soon !== undefined) return;
    soon = setTimeout(() => void start(), Math.max(0, lastPass + GAP_MS - performance.now()));
    soon.unref();
  }

  function tick(): Promise<void> {
    if (stopped) return Promise.resolve();
    forAll = true;
    return start();
  }

  const timer = setInterval(() => void tick(), intervalMs);
  timer.unref();
  return {
    tick,
    touch(rollout) {
      touched.add(rollout);
      forTouched = true;
      startSoon();
    },
    async stop() {
      stopped = true;
      clearInterval(timer);
      clearTimeout(soon);
      joiner.stop();
      await running;
    },
  };
}
