/** What comes beside the active model of a slot: shadows, and bundles to be measured. Pure. */
import { AGENT_SLOT } from '@flotilla/protocol';
import { crashLoop, fault, isKnown, planWork, superseded } from './plan-work.ts';
import { isBeside } from './purpose.ts';
import {
  type Attempt,
  type Fault,
  type JournalState,
  pairOf,
  type ShadowState,
  samePair,
  type WantedDeployment,
  type WantedSlot,
} from './state.ts';
import type { Step } from './step.ts';

type Current = Pick<JournalState, 'slots' | 'shadows' | 'attempts'> & {
  readonly nowMs: number | undefined;
};

/**
 * Unclean starts with a shadow before it is held to be the cause: fewer than of a model on trial, so
 * that of the two the shadow goes first.
 */
export const MAX_SHADOW_STARTS = 2;

/** Steps towards what is named in the shadow's place of a slot, or towards its end. */
export function planBeside(name: string, current: Current, target: WantedSlot | undefined): Step[] {
  const running = current.attempts.find(
    ({ deployment, ending }) =>
      deployment.slot === name && ending === undefined && isBeside(deployment),
  );
  const next = target?.mode === 'present' ? target.shadow : undefined;
  const here = current.shadows?.[name];
  if (running !== undefined) return planRunning(running, here, next, current.nowMs);
  const end = here && planEnd(name, here, next);
  if (end !== undefined) return [end];
  // a journal of before 1.1 does not tell what it was named for: the server says it again
  if (next === undefined || !isBeside(next) || isKnown(next, current)) return [];
  if (name !== AGENT_SLOT) return planWork(next, 'accepted', current.nowMs);
  const why = fault('deployment.unsupported', 'nothing runs beside the agent');
  return [{ kind: 'fail', slot: name, deployment: next, fault: why }];
}

function planRunning(
  attempt: Attempt,
  here: ShadowState | undefined,
  next: WantedDeployment | undefined,
  nowMs: number | undefined,
): Step[] {
  const { deployment } = attempt;
  const { slot } = deployment;
  const own = here && samePair(pairOf(here.installed), deployment) ? here : undefined;
  const isWanted = next !== undefined && samePair(next, deployment);
  const why = attempt.fault ?? whyOver(own) ?? (isWanted ? undefined : superseded(attempt));
  if (why !== undefined) return [{ kind: 'fail', slot, deployment, fault: why }];
  return planWork(deployment, attempt.stage, nowMs);
}

/** The end of a shadow that has come to run; undefined where it goes on. */
function planEnd(
  slot: string,
  here: ShadowState,
  next: WantedDeployment | undefined,
): Step | undefined {
  const why = whyOver(here);
  const { installed: shadow } = here;
  if (why !== undefined) return { kind: 'endShadow', slot, shadow, fault: why };
  const isWanted = next !== undefined && samePair(next, pairOf(shadow));
  return isWanted ? undefined : { kind: 'endShadow', slot, shadow };
}

function whyOver(shadow: ShadowState | undefined): Fault | undefined {
  if (shadow?.fault !== undefined) return shadow.fault;
  const { starts = 0 } = shadow ?? {};
  return starts > MAX_SHADOW_STARTS ? crashLoop(starts, 'shadow') : undefined;
}
