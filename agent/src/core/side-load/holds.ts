/** What a person loaded into slots, beside what the fleet wants in them. Pure. */
import type { Step } from '../plan.ts';
import {
  type Hold,
  type Installed,
  type JournalState,
  samePair,
  type Wanted,
  type WantedDeployment,
  type WantedSlot,
} from '../state.ts';

type Slots = Pick<JournalState, 'wanted' | 'holds' | 'loading'>;

/** What the server says of a slot, in a form that can be compared. */
function serversWord({ slots }: Wanted, name: string): string {
  const slot = slots.find((wanted) => wanted.name === name);
  if (slot?.mode === 'absent') return 'absent';
  return slot?.active === undefined ? '' : `${slot.active.id} ${slot.active.attempt}`;
}

/** Whether a hold still counts: the server has said nothing new of its slot. */
function isHeld(wanted: Wanted, name: string, { over }: Hold): boolean {
  const word = serversWord(wanted, name);
  return word === '' || word === over;
}

/** What is loaded by hand in a slot, or on its way there, as long as it counts. */
export function holdOf(state: Slots, name: string): Hold | undefined {
  const { wanted, holds = {}, loading = {} } = state;
  return [loading[name], holds[name]].find(
    (hold) => hold !== undefined && isHeld(wanted, name, hold),
  );
}

/**
 * What this device is to run: what the server wants, except where a person loaded something.
 *
 * @param incoming digests of bundles that are being taken in
 */
export function wantedHere(state: Slots, incoming: Iterable<string>): Wanted {
  const { wanted } = state;
  const held = [
    ...new Set([...Object.keys(state.holds ?? {}), ...Object.keys(state.loading ?? {})]),
  ];
  const slots = new Map(wanted.slots.map((slot) => [slot.name, slot]));
  for (const name of held) {
    const hold = holdOf(state, name);
    if (hold !== undefined) slots.set(name, heldSlot(name, hold, slots.get(name)));
  }
  const servers = wanted.slots.flatMap(({ active }) => active?.digest ?? []);
  return {
    ...wanted,
    slots: [...slots.values()],
    keep: [...wanted.keep, ...servers, ...incoming],
  };
}

/** The steps that an agent carries out while it stays away from its fleet: those of a person. */
export const stepsByHand = (state: Slots, steps: readonly Step[]): Step[] =>
  steps.filter(({ kind, slot }) => kind === 'collect' || holdOf(state, slot) !== undefined);

function heldSlot(name: string, hold: Hold, servers: WantedSlot | undefined): WantedSlot {
  if (!hold.unload) {
    // a shadow of the fleet's is compared with nothing but the fleet's; what is measured harms nobody
    const measured = servers?.shadow?.measureOnly ? { shadow: servers.shadow } : {};
    return { name, mode: 'present', active: hold.deployment, ...measured };
  }
  const { replaced } = hold;
  const before =
    replaced !== undefined && servers?.active !== undefined && isPair(replaced, servers.active);
  return { name, mode: 'absent', ...(before ? { restore: replaced } : {}) };
}

const isPair = (installed: Installed, deployment: WantedDeployment): boolean =>
  samePair({ id: installed.deployment, attempt: installed.attempt }, deployment);

/** A hold for a bundle that was taken in, over whatever the slot runs. */
export function beginHold(state: JournalState, deployment: WantedDeployment, epoch: number): Hold {
  const { slot } = deployment;
  const before = state.holds?.[slot];
  const active = state.slots[slot]?.active;
  const isLocal = active !== undefined && active.deployment === before?.deployment.id;
  const replaced = isLocal ? before?.replaced : active;
  return {
    deployment,
    over: serversWord(state.wanted, slot),
    epoch,
    ...(replaced === undefined ? {} : { replaced }),
  };
}

/** Keeps the holds right when an attempt is committed, in a draft of the journal. */
export function commitHold(draft: JournalState, { slot, id, model }: WantedDeployment): void {
  const hold = draft.loading?.[slot];
  dropHolds(draft, slot);
  if (hold?.deployment.id !== id) return;
  draft.holds = { ...draft.holds, [slot]: hold };
  raiseEpoch(draft, model, hold.epoch);
}

/** Forgets what was on its way into a slot, when its attempt ends without a commit. */
export function endHold(draft: JournalState, { slot, id }: WantedDeployment): void {
  if (draft.loading?.[slot]?.deployment.id === id) delete draft.loading[slot];
}

/** Nothing that was loaded by hand is in the slot any more. */
export function dropHolds(draft: JournalState, slot: string): void {
  delete draft.holds?.[slot];
  delete draft.loading?.[slot];
}

export function raiseEpoch(draft: JournalState, model: string, epoch: number): void {
  const before = draft.localEpochs?.[model] ?? 0;
  if (epoch > before) draft.localEpochs = { ...draft.localEpochs, [model]: epoch };
}

/** Whether a deployment is one that a person loaded: the server does not know it. */
export const isByHand = ({ attempts, holds, loading }: JournalState, deployment: string): boolean =>
  attempts.some(({ deployment: { id, local } }) => id === deployment && local === true) ||
  [holds, loading].some((by) =>
    Object.values(by ?? {}).some((hold) => hold.deployment.id === deployment),
  );

/** Whether what a slot runs was loaded by hand. */
export function isLocal(state: JournalState, slot: string): boolean {
  const { active, trial } = state.slots[slot] ?? {};
  const runs = trial ?? active;
  return runs !== undefined && isByHand(state, runs.deployment);
}
