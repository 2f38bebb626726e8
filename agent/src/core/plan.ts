import { planBeside } from './plan-beside.ts';
import { crashLoop, isKnown, planWork, superseded } from './plan-work.ts';
import { isBeside } from './purpose.ts';
import {
  type Attempt,
  type Fault,
  findAttempt,
  isActivated,
  type JournalState,
  type SlotState,
  samePair,
  type Wanted,
  type WantedDeployment,
  type WantedSlot,
} from './state.ts';
import type { Step, StepKind } from './step.ts';

export { nextStep } from './plan-work.ts';
export type { Step, StepData, StepKind, StepOf } from './step.ts';

/** What the device has and does, as the journal says. */
export type Current = Pick<JournalState, 'slots' | 'shadows' | 'attempts' | 'bundles' | 'halt'> & {
  /** Wall-clock ms, or undefined where the clock cannot be trusted. */
  readonly nowMs: number | undefined;
};

/** Unclean starts with a model on trial before it is held to be the cause. */
export const MAX_TRIAL_STARTS = 3;

/** What may go on while the fleet is halted: whatever leads back to a proven model. */
const ALLOWED_IN_HALT: ReadonlySet<StepKind> = new Set([
  'watch',
  'rollBack',
  'fail',
  'endShadow',
  'wait',
]);

/**
 * All steps from what is to what is wanted, in order within each slot. Pure: the same inputs give
 * the same plan, an executed step makes it shorter, and a device in the desired state has none.
 */
export function planSteps(current: Current, wanted: Wanted): Step[] {
  const steps = slotNames(current, wanted).flatMap((name) => {
    const target = wanted.slots.find((slot) => slot.name === name);
    const active = allowed(planSlot(name, current, target), current);
    const beside = allowed(planBeside(name, current, target), current);
    return [...active, ...(isBusy(active) ? takeWhile(beside, isEnding) : beside)];
  });
  return steps.length > 0 || current.halt.halted ? steps : planCollection(current, wanted);
}

const allowed = (steps: readonly Step[], { halt }: Current): readonly Step[] =>
  halt.halted ? takeWhile(steps, ({ kind }) => ALLOWED_IN_HALT.has(kind)) : steps;

/** What comes beside a model must not slow down what becomes of the model itself, nor be measured then. */
const isBusy = ([next]: readonly Step[]): boolean => next !== undefined && next.kind !== 'wait';

const isEnding = ({ kind }: Step): boolean => kind === 'fail' || kind === 'endShadow';

function planSlot(name: string, current: Current, target: WantedSlot | undefined): Step[] {
  const slot = current.slots[name];
  const running = current.attempts.find(
    ({ deployment, ending }) =>
      deployment.slot === name && ending === undefined && !isBeside(deployment),
  );
  if (target?.mode === 'absent') {
    const remove: Step[] = slot === undefined ? [] : [leave(target)];
    return running === undefined ? remove : [end(running, superseded(running)), ...remove];
  }
  if (running !== undefined) return planRunning(running, slot, target?.active, current.nowMs);
  const next = target?.active;
  return next === undefined || isKnown(next, current)
    ? []
    : planWork(next, 'accepted', current.nowMs);
}

function leave({ name, restore }: WantedSlot): Step {
  if (restore === undefined) return { kind: 'remove', slot: name };
  return { kind: 'restore', slot: name, installed: restore };
}

/** An attempt that has begun: its fault, its successor, or the rest of its way. */
function planRunning(
  attempt: Attempt,
  slot: SlotState | undefined,
  next: WantedDeployment | undefined,
  nowMs: number | undefined,
): Step[] {
  if (attempt.fault !== undefined) return [end(attempt, attempt.fault)];
  if (isActivated(attempt) && (slot?.trialStarts ?? 0) > MAX_TRIAL_STARTS) {
    return [end(attempt, crashLoop(slot?.trialStarts ?? 0, 'model on trial'))];
  }
  const wanted = next === undefined ? isActivated(attempt) : samePair(next, attempt.deployment);
  if (!wanted) return [end(attempt, superseded(attempt))];
  return planWork(attempt.deployment, attempt.stage, nowMs);
}

/** Bundles that nothing names any more, once there is nothing else to do. */
function planCollection(current: Current, wanted: Wanted): Step[] {
  const needed = neededBundles(current, wanted);
  const unneeded = Object.keys(current.bundles).filter((digest) => !needed.has(digest));
  return unneeded.length > 0 ? [{ kind: 'collect', slot: '', unneeded }] : [];
}

/** Digests that run, are wanted, or that the server asked to keep. */
export function neededBundles(
  current: Pick<Current, 'slots' | 'shadows' | 'attempts'>,
  wanted: Wanted,
): Set<string> {
  const running = Object.values(current.slots).flatMap(({ active, trial }) => [active, trial]);
  const coming = wanted.slots.flatMap(({ active, shadow }) => [
    active,
    shadow && hasEnded(shadow, current) ? undefined : shadow,
  ]);
  const beside = Object.values(current.shadows ?? {}).map(({ installed }) => installed);
  const digests = [...running, ...beside, ...coming].flatMap((bundle) => bundle?.digest ?? []);
  return new Set([...digests, ...wanted.keep]);
}

function slotNames(current: Current, wanted: Wanted): string[] {
  const running = current.attempts.filter(({ ending }) => ending === undefined);
  return [
    ...new Set([
      ...Object.keys(current.slots),
      ...Object.keys(current.shadows ?? {}),
      ...wanted.slots.map(({ name }) => name),
      ...running.map(({ deployment }) => deployment.slot),
    ]),
  ].sort();
}

const hasEnded = (pair: WantedDeployment, current: Pick<Current, 'attempts'>): boolean =>
  findAttempt(current, pair)?.ending !== undefined;

function end(attempt: Attempt, why: Fault): Step {
  const { deployment } = attempt;
  const kind = isActivated(attempt) ? 'rollBack' : 'fail';
  return { kind, slot: deployment.slot, deployment, fault: why };
}

function takeWhile<T>(items: readonly T[], holds: (item: T) => boolean): T[] {
  const end = items.findIndex((item) => !holds(item));
  return end < 0 ? [...items] : items.slice(0, end);
}
