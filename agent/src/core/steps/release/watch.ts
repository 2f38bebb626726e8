import { FlotillaError } from '@flotilla/protocol';
import type { StepOf } from '../../plan.ts';
import { loadLaunch, trialOf } from '../../self-update/launch-file.ts';
import type { WantedDeployment } from '../../state.ts';
import { attemptIn, type StepContext } from '../context.ts';
import { runsAlready } from './release.ts';

/**
 * Watches this agent, which is the new one: every model that served before must serve, and it must
 * have reached its server, which the agent before it had reached to get it. The launcher ends a
 * trial that waits too long for that, once for an attempt: a server that is away costs no more than
 * one way back.
 */
export async function watchRelease(
  context: StepContext,
  { deployment }: StepOf<'watch'>,
  signal: AbortSignal,
): Promise<void> {
  if (!(await runsAlready(context, deployment))) await watchTrial(context, deployment, signal);
  await context.journal.update((draft) => {
    attemptIn(draft, deployment).stage = 'watched';
  });
}

async function watchTrial(
  context: StepContext,
  deployment: WantedDeployment,
  signal: AbortSignal,
): Promise<void> {
  const { clock, storage, settings, updater } = context;
  const { trial } = await loadLaunch(storage);
  if (trial?.id !== updater.trial || updater.trial !== trialOf(deployment)) {
    throw new FlotillaError('update.not-on-trial', { place: updater.place });
  }
  let untilMs = Number.POSITIVE_INFINITY;
  while (clock.monotonic() < untilMs) {
    checkServing(context, trial?.serving ?? []);
    if (context.online() && untilMs === Number.POSITIVE_INFINITY) {
      untilMs = clock.monotonic() + deployment.watchMs;
    }
    await clock.sleep(settings.watchPollMs, signal);
    signal.throwIfAborted();
  }
}

function checkServing({ journal, serving }: StepContext, before: readonly string[]): void {
  const lost = before.filter(
    (slot) => Object.hasOwn(journal.state.slots, slot) && serving.model(slot) === undefined,
  );
  if (lost.length > 0) throw new FlotillaError('update.slots-lost', { slots: lost.join(', ') });
}
