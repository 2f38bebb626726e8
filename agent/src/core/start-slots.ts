import { asFlotillaError } from '@flotilla/protocol';
import type { Journal } from './journal.ts';
import { MAX_TRIAL_STARTS } from './plan.ts';
import type { Logger } from './ports.ts';
import type { LoadedModel } from './serving/loaded-model.ts';
import type { Serving } from './serving/serving.ts';
import type { Installed, JournalState } from './state.ts';

interface StartPorts {
  readonly journal: Journal;
  readonly serving: Serving;
  readonly logger: Logger;
  load(installed: Installed): Promise<LoadedModel>;
}

/**
 * Brings every slot up from the journal, before any connection: the model on trial where there is
 * one and it did not take the agent down too often, else the committed one.
 */
export async function startSlots({ journal, serving, logger, load }: StartPorts): Promise<void> {
  await countTrialStarts(journal, 1);
  for (const [slot, { active, trial, trialStarts }] of Object.entries(journal.state.slots)) {
    const onTrial = isOnTrial(journal.state, slot) && trialStarts <= MAX_TRIAL_STARTS;
    for (const installed of onTrial ? [trial, active] : [active]) {
      if (installed === undefined) continue;
      try {
        serving.swap(slot, await load(installed));
        break;
      } catch (error) {
        logger.error('model does not load', { slot, digest: installed.digest, error });
        if (installed === trial) await faultTrial(journal, slot, error);
      }
    }
  }
}

/** A clean stop is no crash: it takes back what the start counted. */
export const forgiveTrialStarts = (journal: Journal): Promise<void> =>
  countTrialStarts(journal, -1);

async function countTrialStarts(journal: Journal, by: 1 | -1): Promise<void> {
  const onTrial = (state: Readonly<JournalState>) =>
    Object.values(state.slots).filter(({ trial }) => trial !== undefined);
  if (onTrial(journal.state).length === 0) return;
  await journal.update((draft) => {
    for (const slot of onTrial(draft)) slot.trialStarts = Math.max(0, slot.trialStarts + by);
  });
}

const runningIn = (state: Readonly<JournalState>, slot: string) =>
  state.attempts.find(({ deployment, ending }) => deployment.slot === slot && ending === undefined);

function isOnTrial(state: Readonly<JournalState>, slot: string): boolean {
  return state.slots[slot]?.trial !== undefined && runningIn(state, slot)?.fault === undefined;
}

async function faultTrial(journal: Journal, slot: string, error: unknown): Promise<void> {
  const { code, message } = asFlotillaError(error);
  await journal.update((draft) => {
    const running = runningIn(draft, slot);
    if (running !== undefined) running.fault ??= { code, detail: message, step: 'activate' };
  });
}
