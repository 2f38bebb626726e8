/** What comes beside the active model of a slot: bundles to be measured. Pure. */
import { AGENT_SLOT } from '@flotilla/protocol';
import { fault, isKnown, planWork, superseded } from './plan-work.ts';
import { isBeside, purposeOf } from './purpose.ts';
import {
  type Attempt,
  type Fault,
  type JournalState,
  samePair,
  type WantedDeployment,
  type WantedSlot,
} from './state.ts';
import type { Step } from './step.ts';

type Current = Pick<JournalState, 'slots' | 'attempts'> & { readonly nowMs: number | undefined };

/** Steps towards what is named in the shadow's place of a slot, or towards its end. */
export function planBeside(name: string, current: Current, target: WantedSlot | undefined): Step[] {
  const running = current.attempts.find(
    ({ deployment, ending }) =>
      deployment.slot === name && ending === undefined && isBeside(deployment),
  );
  const next = target?.mode === 'present' ? target.shadow : undefined;
  if (running !== undefined) return planRunning(running, next, current.nowMs);
  // a journal of before 1.1 does not tell what it was named for: the server says it again
  if (next === undefined || !isBeside(next) || isKnown(next, current)) return [];
  const obstacle = whyNot(next);
  return obstacle === undefined
    ? planWork(next, 'accepted', current.nowMs)
    : [{ kind: 'fail', slot: name, deployment: next, fault: obstacle }];
}

function planRunning(
  attempt: Attempt,
  next: WantedDeployment | undefined,
  nowMs: number | undefined,
): Step[] {
  const { deployment } = attempt;
  const { slot } = deployment;
  const isWanted = next !== undefined && samePair(next, deployment);
  const why = attempt.fault ?? (isWanted ? undefined : superseded(attempt));
  if (why !== undefined) return [{ kind: 'fail', slot, deployment, fault: why }];
  return planWork(deployment, attempt.stage, nowMs);
}

function whyNot(deployment: WantedDeployment): Fault | undefined {
  if (deployment.slot === AGENT_SLOT) {
    return fault('deployment.unsupported', 'nothing runs beside the agent');
  }
  if (purposeOf(deployment) === 'shadow') {
    return fault('deployment.unsupported', 'this agent runs no shadow deployments');
  }
  return undefined;
}
