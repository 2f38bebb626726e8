import type { ServerContext } from '../context.ts';
import { gatherEvidence } from './evidence.ts';
import { executeAction } from './execute.ts';
import { judgeGates } from './gates/index.ts';
import type { Verdict } from './gates/types.ts';
import { planWave } from './plan.ts';
import {
  type MemberRow,
  type Rollout,
  readMembers,
  readRollout,
  readVerdicts,
  snapshotOf,
  writeVerdicts,
} from './store.ts';
import type { RolloutState } from './types.ts';

/** Rounds of planning in one go; what is left waits for the next tick. */
const MAX_ROUNDS = 50;

export interface AdvanceContext extends Pick<ServerContext, 'db' | 'dialect'> {
  /** Sends a device its desired state; devices that are away get it when they connect. */
  readonly publishDesired: (fleet: string, device: string) => Promise<void>;
  /** Something of the rollout is to be drawn again. */
  readonly onChange: (fleet: string, rollout: string) => void;
}

/**
 * Takes a rollout as far as it can go now: gather, judge, plan, execute, until nothing is planned.
 *
 * @param fresh the evidence has changed since the gates were last judged
 */
export async function advanceRollout(
  context: AdvanceContext,
  { fleet, id }: Pick<Rollout, 'fleet' | 'id'>,
  { now, fresh }: { readonly now: number; readonly fresh: boolean },
): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const rollout = await readRollout(context.db, fleet, id);
    const members = await readMembers(context.db, rollout);
    const verdicts = await judge(context, rollout, members, { now, fresh: fresh || round > 0 });
    const actions = planWave(snapshotOf(rollout, members, verdicts), now);
    if (actions.length === 0) return;
    for (const action of actions) {
      const devices = await executeAction(context, rollout, action, now);
      for (const device of devices) await context.publishDesired(fleet, device);
    }
    context.onChange(fleet, id);
  }
}

const JUDGED: readonly RolloutState[] = ['running', 'paused'];

/** The stored verdicts of the open wave where nothing has changed, else new ones. */
async function judge(
  context: AdvanceContext,
  rollout: Rollout,
  members: readonly MemberRow[],
  { now, fresh }: { readonly now: number; readonly fresh: boolean },
): Promise<readonly Verdict[]> {
  if (!JUDGED.includes(rollout.state) || rollout.wave < 0) return [];
  const stored = await readVerdicts(context.db, rollout);
  if (!fresh && stored.length > 0) return stored;
  const evidence = await gatherEvidence(context.db, rollout, members);
  const verdicts = judgeGates(evidence, rollout.settings.gates);
  const changed = verdicts.filter((verdict) => !stored.some((known) => same(known, verdict)));
  await writeVerdicts(context.db, rollout, changed, now);
  if (changed.length > 0) context.onChange(rollout.fleet, rollout.id);
  return verdicts;
}

const same = (a: Verdict, b: Verdict): boolean =>
  a.gate === b.gate && a.state === b.state && a.sentence === b.sentence;
