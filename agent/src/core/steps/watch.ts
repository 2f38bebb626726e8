import { FlotillaError } from '@flotilla/protocol';
import type { StepOf } from '../plan.ts';
import { findAttempt } from '../state.ts';
import { attemptIn, type StepContext } from './context.ts';
import { judgeWatched, LOOKS, type Watched, type WatchThresholds } from './watch-judges.ts';

/**
 * Watches the activated model for `watchMs` from the moment it serves, and ends early where it must
 * not stay. A model that nobody asks anything passes.
 */
export async function watch(
  context: StepContext,
  step: StepOf<'watch'>,
  signal: AbortSignal,
): Promise<void> {
  const { clock, journal, settings } = context;
  const { deployment } = step;
  const growthBytes: number[] = [];
  const lateMs = clock.monotonic() + settings.loadTimeoutMs;
  let untilMs: number | undefined;
  for (;;) {
    if (untilMs === undefined && clock.monotonic() > lateMs) throw neverServed(context, step);
    if (serves(context, step)) {
      untilMs ??= clock.monotonic() + deployment.watchMs;
      const fault = judgeWatched(look(context, step, growthBytes), thresholdsOf(context));
      if (fault !== undefined) throw fault;
    }
    const leftMs = (untilMs ?? Number.POSITIVE_INFINITY) - clock.monotonic();
    if (leftMs <= 0) break;
    await clock.sleep(Math.min(leftMs, settings.watchPollMs), signal);
    signal.throwIfAborted();
  }
  await journal.update((draft) => {
    attemptIn(draft, deployment).stage = 'watched';
  });
}

const neverServed = (
  { settings }: StepContext,
  { deployment: { model, version } }: StepOf<'watch'>,
): FlotillaError =>
  new FlotillaError('deployment.load-timeout', {
    bundle: `${model}@${version}`,
    seconds: settings.loadTimeoutMs / 1000,
  });

/** After a start the committed model may serve until the one on trial is loaded. */
function serves({ serving }: StepContext, { slot, deployment }: StepOf<'watch'>): boolean {
  const installed = serving.model(slot)?.installed;
  return installed?.deployment === deployment.id && installed.attempt === deployment.attempt;
}

/** @param growthBytes the looks before, which this one is added to */
function look(
  { journal, serving, pulse, footprint }: StepContext,
  { slot, deployment }: StepOf<'watch'>,
  growthBytes: number[],
): Watched {
  const grown = footprint.growth(slot);
  if (grown === undefined) growthBytes.length = 0;
  else growthBytes.push(grown);
  if (growthBytes.length > LOOKS) growthBytes.shift();
  return {
    slot,
    ...serving.tally(slot),
    benchmarkMs: findAttempt(journal.state, deployment)?.selfTest?.latencyMs ?? 0,
    stalledMs: pulse.stalledMs(slot),
    growthBytes,
    statedBytes: serving.model(slot)?.bundle.config.memoryBytes ?? 0,
  };
}

function thresholdsOf({ journal, settings: { watch: own } }: StepContext): WatchThresholds {
  const { watchLatencyFactor, watchMemoryBytes } = journal.state.wanted.limits ?? {};
  return {
    latencyFactor: watchLatencyFactor || own.latencyFactor,
    memoryBytes: watchMemoryBytes || own.memoryBytes,
    hungMs: own.hungMs,
  };
}
