import { beside } from '../beside.ts';
import type { ServerContext } from '../context.ts';
import { gatherEvidence } from './evidence.ts';
import { executeAction } from './execute.ts';
import { judgeGates } from './gates/index.ts';
import type { Verdict } from './gates/types.ts';
import { promoteByGate } from './kinds/promote.ts';
import { planWave } from './plan.ts';
import { judgedGates } from './settings.ts';
import { gatherSnapshot } from './snapshot.ts';
import { ENDED_STATES, type Rollout, readRollout, readVerdicts, writeVerdicts } from './store.ts';
import type { TelemetrySums } from './sums.ts';
import type { Action, RolloutState } from './types.ts';

const MAX_ROUNDS = 100;
/** Devices told at once: what is read for them travels to the database together. */
const PUBLISHED = 32;

export interface AdvanceContext extends Pick<ServerContext, 'db' | 'dialect' | 'transactAll'> {
  /** Sends a device its desired state; devices that are away get it when they connect. */
  readonly publishDesired: (fleet: string, device: string) => Promise<void>;
  /** Something of the rollout is to be drawn again. */
  readonly onChange: (fleet: string, rollout: string) => void;
  /** What was read of telemetry for the last look at the gates. */
  readonly sums?: TelemetrySums;
}

/**
 * How the evidence stands since the gates were last judged: `new` is judged now; `later` is new too,
 * and may wait, but not until something is decided on it.
 */
export type Freshness = 'same' | 'new' | 'later';

export interface Advance {
  /** Wall-clock milliseconds. */
  readonly now: number;
  readonly evidence: Freshness;
  /** Rounds of planning in one go. */
  readonly rounds?: number;
}

export interface Advanced {
  /** Nothing is left to do now. */
  readonly settled: boolean;
  /** The gates know all the evidence. */
  readonly judged: boolean;
  /** What judging took. */
  readonly judgingMs: number;
}

/** Takes a rollout as far as it can go now: gather, judge, plan, execute, until nothing is planned. */
export async function advanceRollout(
  context: AdvanceContext,
  { fleet, id }: Pick<Rollout, 'fleet' | 'id'>,
  { now, evidence, rounds = MAX_ROUNDS }: Advance,
): Promise<Advanced> {
  let state = evidence;
  let judgingMs = 0;
  for (let round = 0; round < rounds; round++) {
    const rollout = await readRollout(context.db, fleet, id);
    if (ENDED_STATES.includes(rollout.state)) return { settled: true, judged: true, judgingMs };
    const start = performance.now();
    const verdicts = await judge(context, rollout, { now, fresh: state === 'new' });
    judgingMs += performance.now() - start;
    const actions = planWave(await gatherSnapshot(context.db, rollout, verdicts, now), now);
    const ready = actions.length === 0 && evidence !== 'later';
    if (state === 'later' && (ready || actions.some(decides))) {
      state = 'new';
      round--;
      continue;
    }
    if (actions.length === 0) return { settled: true, judged: state !== 'later', judgingMs };
    for (const action of actions) {
      const devices =
        action.kind === 'promote'
          ? await promoteByGate(context, rollout, now)
          : await executeAction(context, rollout, action, now);
      await beside(PUBLISHED, devices, (device) => context.publishDesired(fleet, device));
    }
    state = 'later';
    context.onChange(fleet, id);
  }
  return { settled: false, judged: false, judgingMs };
}

/** What a closed gate would have forbidden for good. */
const decides = ({ kind }: Action): boolean =>
  kind === 'openWave' || kind === 'finish' || kind === 'promote';

const JUDGED: readonly RolloutState[] = ['running', 'paused'];

/** The stored verdicts of the open wave where nothing has changed, else new ones. */
async function judge(
  context: AdvanceContext,
  rollout: Rollout,
  { now, fresh }: { readonly now: number; readonly fresh: boolean },
): Promise<readonly Verdict[]> {
  if (!JUDGED.includes(rollout.state) || rollout.wave < 0) return [];
  const stored = await readVerdicts(context.db, rollout);
  if (!fresh && stored.length > 0) return stored;
  const evidence = await gatherEvidence(context.db, rollout, now, context.sums);
  const verdicts = judgeGates(evidence, judgedGates(rollout.settings));
  const changed = verdicts.filter((verdict) => !stored.some((known) => same(known, verdict)));
  await writeVerdicts(context.db, rollout, changed, now);
  if (changed.length > 0) context.onChange(rollout.fleet, rollout.id);
  return verdicts;
}

const same = (a: Verdict, b: Verdict): boolean =>
  a.gate === b.gate && a.state === b.state && a.sentence === b.sentence;
