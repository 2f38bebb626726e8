import { FlotillaError } from '@flotilla/protocol';
import type { StepOf } from '../plan.ts';
import type { Tally } from '../serving/serving.ts';
import { attemptIn, type StepContext } from './context.ts';

/** Errors below this count prove nothing. */
const FEWEST_ERRORS = 3;
/** Share of failed inferences above which an activation is undone. */
const HIGHEST_ERROR_RATE = 0.1;

/** Watches the activated model for `watchMs`, and ends early when too many inferences fail. */
export async function watch(
  { clock, journal, serving, settings }: StepContext,
  { slot, deployment }: StepOf<'watch'>,
  signal: AbortSignal,
): Promise<void> {
  const untilMs = clock.monotonic() + deployment.watchMs;
  for (;;) {
    const tally = serving.tally(slot);
    if (isFailing(tally)) {
      const { errors, inferences } = tally;
      throw new FlotillaError('deployment.errors', { slot, errors, inferences });
    }
    const leftMs = untilMs - clock.monotonic();
    if (leftMs <= 0) break;
    await clock.sleep(Math.min(leftMs, settings.watchPollMs), signal);
    signal.throwIfAborted();
  }
  await journal.update((draft) => {
    attemptIn(draft, deployment).stage = 'watched';
  });
}

const isFailing = ({ errors, inferences }: Tally): boolean =>
  errors >= FEWEST_ERRORS && errors / inferences > HIGHEST_ERROR_RATE;
