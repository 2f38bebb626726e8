/** Counts starts that no clean stop came before: of the agent, of models on trial, and of shadows. */
import { AGENT_SLOT } from '@flotilla/protocol';
import type { Journal } from './journal.ts';
import type { JournalState } from './state.ts';

/** Counted before anything is loaded, so that what takes the agent down is counted every time. */
export const noteStart = (journal: Journal): Promise<void> =>
  journal.update((draft) => {
    const { unclean = 0, running = false } = draft.starts ?? {};
    draft.starts = { unclean: unclean + Number(running), running: true };
    countTried(draft, 1);
  });

/** A clean stop is no crash: it takes back what the start counted. */
export const noteStop = (journal: Journal): Promise<void> =>
  journal.update((draft) => {
    draft.starts = { unclean: uncleanStarts(draft), running: false };
    countTried(draft, -1);
  });

/** Whether anything is loaded whose starts count before it is loaded. */
export const isAnyTried = ({ slots, shadows = {} }: Readonly<JournalState>): boolean =>
  Object.keys(shadows).length > 0 || Object.values(slots).some(({ trial }) => trial !== undefined);

export const uncleanStarts = ({ starts }: Pick<JournalState, 'starts'>): number =>
  starts?.unclean ?? 0;

export function forgiveTrials({ slots }: JournalState): void {
  for (const [name, slot] of Object.entries(slots)) if (name !== AGENT_SLOT) slot.trialStarts = 0;
}

function countTried({ slots, shadows = {} }: JournalState, by: 1 | -1): void {
  for (const shadow of Object.values(shadows)) shadow.starts = Math.max(0, shadow.starts + by);
  for (const [name, slot] of Object.entries(slots)) {
    // starts of a new agent are counted by its launcher
    if (name === AGENT_SLOT || slot.trial === undefined) continue;
    slot.trialStarts = Math.max(0, slot.trialStarts + by);
  }
}
