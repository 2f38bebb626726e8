import type { Active, Draft, Outcome, Sync } from '@flotilla/protocol';
import type { Journal } from './journal.ts';
import type { FleetClock } from './link/fleet-clock.ts';
import type { Outbox } from './outbox/outbox.ts';
import { nextStep } from './plan.ts';
import { type Attempt, findAttempt, type Installed, type JournalState } from './state.ts';

/** How an attempt ended, or how far it is. */
export function outcomeOf(attempt: Attempt): Draft<Outcome> {
  const { deployment, ending, selfTest, transfer } = attempt;
  const { id, attempt: number, slot, digest } = deployment;
  const end = ending ?? { result: 'RESULT_IN_PROGRESS' as const, step: nextStep(attempt) };
  return {
    deployment: id,
    attempt: number,
    slot,
    digest,
    ...end,
    ...(selfTest === undefined ? {} : { selfTest }),
    ...(transfer === undefined ? {} : { transfer }),
  };
}

/** What each slot runs now: the model on trial where there is one. */
export function activeOf(slots: JournalState['slots']): Active[] {
  return Object.entries(slots).flatMap(([slot, { active, trial }]) => {
    const runs: Installed | undefined = trial ?? active;
    return runs === undefined ? [] : [{ slot, ...runs }];
  });
}

export function syncOf({ wanted, slots, attempts, bundles }: Readonly<JournalState>): Draft<Sync> {
  return {
    generation: wanted.generation,
    revision: wanted.revision,
    active: activeOf(slots),
    outcomes: attempts.filter(({ deployment }) => !deployment.local).map(outcomeOf),
    digests: Object.keys(bundles).filter((digest) => bundles[digest] === 'complete'),
  };
}

/**
 * Puts the endings that were not yet reported into the outbox. A power cut between the two writes
 * reports an ending twice, under two numbers; never not at all.
 */
export async function reportEndings(
  journal: Journal,
  outbox: Outbox,
  clock: FleetClock,
): Promise<number> {
  const unreported = journal.state.attempts.filter(
    ({ ending, reported }) => ending !== undefined && !reported,
  );
  for (const attempt of unreported) {
    const outcome = outcomeOf(attempt);
    await outbox.append('report', { at: clock.stamp(), outcome }, clock.trustedNow());
    await journal.update((draft) => {
      const same = findAttempt(draft, attempt.deployment);
      if (same?.ending?.result === attempt.ending?.result && same) same.reported = true;
    });
  }
  return unreported.length;
}
