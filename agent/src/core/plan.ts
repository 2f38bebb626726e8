import {
  type Attempt,
  type Fault,
  findAttempt,
  type Installed,
  isActivated,
  type JournalState,
  type SlotState,
  type Stage,
  samePair,
  type Wanted,
  type WantedDeployment,
  type WantedSlot,
} from './state.ts';

interface Work {
  readonly slot: string;
  readonly deployment: WantedDeployment;
}

/** What each kind of step concerns. */
export interface StepData {
  /** Not before its window opens, or until the clock can be trusted. */
  wait: Work & { readonly untilMs: number };
  download: Work;
  verify: Work;
  selfTest: Work;
  activate: Work;
  watch: Work;
  commit: Work;
  /** Undoes an activation. */
  rollBack: Work & { readonly fault: Fault };
  /** Ends an attempt that was never activated. */
  fail: Work & { readonly fault: Fault };
  remove: { readonly slot: string };
  /** Puts back what the fleet had in a slot before a person loaded something. */
  restore: { readonly slot: string; readonly installed: Installed };
  /** Deletes the bundles that are not needed; concerns no slot. */
  collect: { readonly slot: ''; readonly unneeded: readonly string[] };
}

export type StepKind = keyof StepData;
export type StepOf<K extends StepKind> = { readonly kind: K } & StepData[K];
/** One step towards the desired state. */
export type Step = { [K in StepKind]: StepOf<K> }[StepKind];

/** What the device has and does, as the journal says. */
export type Current = Pick<JournalState, 'slots' | 'attempts' | 'bundles' | 'halt'> & {
  /** Wall-clock ms, or undefined where the clock cannot be trusted. */
  readonly nowMs: number | undefined;
};

/** Unclean starts with a model on trial before it is held to be the cause. */
export const MAX_TRIAL_STARTS = 3;

const ORDER = ['download', 'verify', 'selfTest', 'activate', 'watch', 'commit'] as const;

const DONE: Readonly<Record<Stage, number>> = {
  accepted: 0,
  downloaded: 1,
  verified: 2,
  tested: 3,
  activated: 4,
  watched: 5,
};

/** What may go on while the fleet is halted: whatever leads back to a proven model. */
const ALLOWED_IN_HALT: ReadonlySet<StepKind> = new Set(['watch', 'rollBack', 'fail', 'wait']);

/**
 * All steps from what is to what is wanted, in order within each slot. Pure: the same inputs give
 * the same plan, an executed step makes it shorter, and a device in the desired state has none.
 */
export function planSteps(current: Current, wanted: Wanted): Step[] {
  const steps = slotNames(current, wanted).flatMap((name) => {
    const planned = [...planShadow(name, current, wanted), ...planSlot(name, current, wanted)];
    return current.halt.halted
      ? takeWhile(planned, (step) => ALLOWED_IN_HALT.has(step.kind))
      : planned;
  });
  return steps.length > 0 || current.halt.halted ? steps : planCollection(current, wanted);
}

function planSlot(name: string, current: Current, wanted: Wanted): Step[] {
  const target = wanted.slots.find((slot) => slot.name === name);
  const slot = current.slots[name];
  const running = current.attempts.find(
    ({ deployment, ending }) => deployment.slot === name && ending === undefined,
  );
  if (target?.mode === 'absent') {
    const remove: Step[] = slot === undefined ? [] : [leave(target)];
    return running === undefined ? remove : [end(running, superseded(running)), ...remove];
  }
  if (running !== undefined) return planRunning(running, slot, target?.active, current.nowMs);
  const next = target?.active;
  return next === undefined || isKnown(next, current) ? [] : planWork(next, 0, current.nowMs);
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
    return [end(attempt, crashLoop(slot?.trialStarts ?? 0))];
  }
  const wanted = next === undefined ? isActivated(attempt) : samePair(next, attempt.deployment);
  if (!wanted) return [end(attempt, superseded(attempt))];
  return planWork(attempt.deployment, DONE[attempt.stage], nowMs);
}

/** The steps after the first `done`, within the deployment's window and deadline. */
function planWork(deployment: WantedDeployment, done: number, nowMs: number | undefined): Step[] {
  const { slot } = deployment;
  const rest: Step[] = ORDER.slice(done).map((kind) => ({ kind, slot, deployment }));
  const timing = done < DONE.activated ? judgeTime(deployment, nowMs) : 'open';
  if (timing === 'open') return rest;
  if ('code' in timing) return [{ kind: 'fail', slot, deployment, fault: timing }];
  return [{ kind: 'wait', slot, deployment, untilMs: timing.untilMs }, ...rest];
}

function judgeTime(
  { notBeforeMs, notAfterMs, deadlineMs }: WantedDeployment,
  nowMs: number | undefined,
): 'open' | { untilMs: number } | Fault {
  if (notBeforeMs === 0 && notAfterMs === 0 && deadlineMs === 0) return 'open';
  if (nowMs === undefined) return { untilMs: Number.POSITIVE_INFINITY };
  const at = (ms: number) => new Date(ms).toISOString();
  if (deadlineMs !== 0 && nowMs > deadlineMs) {
    return fault('deployment.deadline-passed', `not activated by ${at(deadlineMs)}`);
  }
  if (notAfterMs !== 0 && nowMs > notAfterMs) {
    return fault(
      'deployment.window-closed',
      `not activated within the window that ended ${at(notAfterMs)}`,
    );
  }
  return nowMs < notBeforeMs ? { untilMs: notBeforeMs } : 'open';
}

/** This agent runs no shadows: the server is told once. */
function planShadow(name: string, current: Current, wanted: Wanted): Step[] {
  const shadow = wanted.slots.find((slot) => slot.name === name)?.shadow;
  if (shadow === undefined || isKnown(shadow, current)) return [];
  const why = fault('deployment.unsupported', 'this agent runs no shadow deployments');
  return [{ kind: 'fail', slot: name, deployment: shadow, fault: why }];
}

/** Bundles that nothing names any more, once there is nothing else to do. */
function planCollection(current: Current, wanted: Wanted): Step[] {
  const needed = neededBundles(current, wanted);
  const unneeded = Object.keys(current.bundles).filter((digest) => !needed.has(digest));
  return unneeded.length > 0 ? [{ kind: 'collect', slot: '', unneeded }] : [];
}

/** Digests that run, are wanted, or that the server asked to keep. */
export function neededBundles(current: Pick<Current, 'slots'>, wanted: Wanted): Set<string> {
  const running = Object.values(current.slots).flatMap(({ active, trial }) => [active, trial]);
  const coming = wanted.slots.map(({ active }) => active);
  const digests = [...running, ...coming].flatMap((bundle) => bundle?.digest ?? []);
  return new Set([...digests, ...wanted.keep]);
}

function slotNames(current: Current, wanted: Wanted): string[] {
  const running = current.attempts.filter(({ ending }) => ending === undefined);
  return [
    ...new Set([
      ...Object.keys(current.slots),
      ...wanted.slots.map(({ name }) => name),
      ...running.map(({ deployment }) => deployment.slot),
    ]),
  ].sort();
}

/** A pair that was begun here once never starts again; nor does the one that runs. */
function isKnown(pair: WantedDeployment, current: Current): boolean {
  const active = current.slots[pair.slot]?.active;
  const runs = active?.deployment === pair.id && active.attempt === pair.attempt;
  return runs || findAttempt(current, pair) !== undefined;
}

function end(attempt: Attempt, why: Fault): Step {
  const { deployment } = attempt;
  const kind = isActivated(attempt) ? 'rollBack' : 'fail';
  return { kind, slot: deployment.slot, deployment, fault: why };
}

const fault = (code: string, detail: string, step = ''): Fault => ({ code, detail, step });

const superseded = (attempt: Attempt): Fault =>
  fault('deployment.superseded', 'something else is wanted in this slot', nextStep(attempt.stage));

const crashLoop = (starts: number): Fault =>
  fault(
    'deployment.crash-loop',
    `the agent died ${starts} times with this model on trial`,
    'watch',
  );

/** The step that an attempt at this stage is in. */
export const nextStep = (stage: Stage): StepKind => ORDER[DONE[stage]] ?? 'commit';

function takeWhile<T>(items: readonly T[], holds: (item: T) => boolean): T[] {
  const end = items.findIndex((item) => !holds(item));
  return end < 0 ? [...items] : items.slice(0, end);
}
