/** The way of one attempt: its steps in order, and how far it is. Pure. */
import { type Purpose, purposeOf } from './purpose.ts';
import {
  type Attempt,
  type Fault,
  findAttempt,
  type JournalState,
  type Stage,
  type WantedDeployment,
} from './state.ts';
import type { Step, StepKind } from './step.ts';

const WAYS = {
  serve: ['download', 'verify', 'selfTest', 'activate', 'watch', 'commit'],
  shadow: ['download', 'verify', 'selfTest', 'activate', 'commit'],
  measure: ['download', 'verify', 'selfTest', 'commit'],
} as const satisfies Readonly<Record<Purpose, readonly StepKind[]>>;

const DONE: Readonly<Record<Stage, number>> = {
  accepted: 0,
  downloaded: 1,
  verified: 2,
  tested: 3,
  activated: 4,
  watched: 5,
};

/** The steps after those that are done, within the deployment's window and deadline. */
export function planWork(
  deployment: WantedDeployment,
  stage: Stage,
  nowMs: number | undefined,
): Step[] {
  const { slot } = deployment;
  const done = DONE[stage];
  const way: readonly (typeof WAYS.serve)[number][] = WAYS[purposeOf(deployment)];
  const rest: Step[] = way.slice(done).map((kind) => ({ kind, slot, deployment }));
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

/** The step that an attempt is in. */
export const nextStep = ({ stage, deployment }: Pick<Attempt, 'stage' | 'deployment'>): StepKind =>
  WAYS[purposeOf(deployment)][DONE[stage]] ?? 'commit';

/** A pair that was begun here once never starts again; nor does the one that runs. */
export function isKnown(
  pair: WantedDeployment,
  current: Pick<JournalState, 'slots' | 'attempts'>,
): boolean {
  const active = current.slots[pair.slot]?.active;
  const runs = active?.deployment === pair.id && active.attempt === pair.attempt;
  return runs || findAttempt(current, pair) !== undefined;
}

export const fault = (code: string, detail: string, step = ''): Fault => ({ code, detail, step });

export const superseded = (attempt: Attempt): Fault =>
  fault('deployment.superseded', 'something else is wanted in this slot', nextStep(attempt));

export const crashLoop = (starts: number, what: string): Fault =>
  fault('deployment.crash-loop', `the agent died ${starts} times with this ${what}`, 'watch');
