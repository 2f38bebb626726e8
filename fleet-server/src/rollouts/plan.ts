import { undecided } from './gates/types.ts';
import { type Comparing, decide, endUndecided } from './kinds/decide.ts';
import { openZones, roomBack, roomFor } from './pace/room.ts';
import type {
  Action,
  EndState,
  PlanMember,
  PlanRollout,
  RolloutSnapshot,
  RolloutState,
} from './types.ts';

/** Devices that one action names at most, so that each transaction stays short. */
const BATCH = 200;

type Phase = (snapshot: RolloutSnapshot, now: number) => Action[];

const PHASES: Readonly<Record<RolloutState, Phase>> = {
  running: planRunning,
  paused: planPaused,
  halted: planHalted,
  'rolled-back': () => [],
  done: () => [],
  aborted: () => [],
};

/**
 * What a rollout does next: pure, synchronous, the same plan for the same snapshot. The caller
 * executes the actions in order, takes a new snapshot, and plans again until nothing is left.
 *
 * @param now wall-clock milliseconds since 1970 by the server's clock
 */
export function planWave(snapshot: RolloutSnapshot, now: number): Action[] {
  return PHASES[snapshot.rollout.state](snapshot, now);
}

function planRunning(snapshot: RolloutSnapshot, now: number): Action[] {
  const urgent = planAnyway(snapshot, now);
  if (urgent.length > 0) return urgent;
  const { rollout, tally, pending, due } = snapshot;
  const { comparing } = rollout;
  if (comparing !== undefined && now >= comparing.untilMs)
    return endInTime(comparing, snapshot, now);
  if (rollout.wave < 0) return openWave(rollout, now, '');
  const isOpen = openZones(rollout, now);
  const again = due.filter((one) => one.state === 'failed' && isDue(one, now));
  const room = roomFor(rollout, tally, now);
  const retry = again.filter(isOpen).slice(0, room);
  const deploy = pending.filter(isOpen).slice(0, room - retry.length);
  const steps: Action[] = [
    ...batches(again.filter((one) => !isOpen(one))).map(
      (devices): Action => ({ kind: 'postpone', devices }),
    ),
    ...batches(retry).map((devices): Action => ({ kind: 'retry', devices })),
    ...batches(deploy).map((devices): Action => ({ kind: 'deploy', devices })),
  ];
  return steps.length > 0 ? steps : advance(snapshot, now);
}

/** Opens the wave after the open one, unless it is too early or a person has yet to approve it. */
function openWave(rollout: PlanRollout, now: number, note: string): Action[] {
  const wave = rollout.wave + 1;
  const needed = { none: 0, start: 1, each: wave + 1 }[rollout.approval];
  if (now < rollout.startMs || rollout.approvedWaves < needed) return [];
  return [{ kind: 'openWave', wave, note }];
}

/** A paused rollout starts nothing, but its gates still close, and its times still pass. */
function planPaused(snapshot: RolloutSnapshot, now: number): Action[] {
  const { rollout, verdicts } = snapshot;
  const urgent = planAnyway(snapshot, now);
  const { comparing } = rollout;
  if (urgent.length > 0 || comparing === undefined || now < comparing.untilMs) return urgent;
  return [endUndecided(comparing, verdicts)];
}

function planAnyway({ due, verdicts }: RolloutSnapshot, now: number): Action[] {
  const closed = verdicts.find(({ state }) => state === 'closed');
  if (closed !== undefined) {
    return [{ kind: 'halt', cause: closed.gate, sentence: closed.sentence }];
  }
  const late = due.filter((one) => inFlight(one) && isDue(one, now));
  return batches(late).map((devices) => ({ kind: 'expire', devices }));
}

/** Opens the next wave, or ends the rollout, once the open wave has ended, soaked and been judged. */
function advance({ rollout, tally, verdicts }: RolloutSnapshot, now: number): Action[] {
  if (tally.waiting) return [];
  if (tally.inFlight + tally.retrying > 0) return [];
  if (now < tally.lastEndedMs + rollout.soakMs) return [];
  const waiting = verdicts.filter(({ state }) => state === 'waiting');
  if (waiting.length > 0 && now < tally.lastEndedMs + rollout.maxSoakMs) return [];
  const opens = rollout.wave + 1 < rollout.sizes.length;
  if (opens && undecided(waiting, rollout.accepted).length > 0) return [];
  const gates = waiting.map(({ gate }) => gate).join(', ');
  const note = gates === '' ? '' : `passed after the longest soak without a verdict of ${gates}`;
  if (opens) return openWave(rollout, now, note);
  if (rollout.comparing !== undefined) return decide(rollout.comparing, verdicts, now);
  return [{ kind: 'finish', state: 'done', note }];
}

/** A comparison ends when its time is over, whatever devices, windows or people it still waits for. */
function endInTime(comparing: Comparing, snapshot: RolloutSnapshot, now: number): Action[] {
  const next = advance(snapshot, now);
  if (next.some(({ kind }) => kind === 'promote')) return next;
  return [endUndecided(comparing, snapshot.verdicts)];
}

function planHalted({ rollout, tally, due, toGoBack }: RolloutSnapshot, now: number): Action[] {
  const room = roomBack(rollout, now);
  const again = due.filter((one) => one.backState === 'failed' && isDue(one, now)).slice(0, room);
  const first = toGoBack.slice(0, room - again.length);
  const steps: Action[] = [
    ...batches(first).map((devices): Action => ({ kind: 'rollBack', devices })),
    ...batches(again).map((devices): Action => ({ kind: 'retryBack', devices })),
  ];
  if (steps.length > 0 || tally.goingBack + toGoBack.length > 0) return steps;
  const state: EndState = rollout.haltedBy === 'operator' ? 'aborted' : 'rolled-back';
  return [{ kind: 'finish', state, note: stuckNote(tally.stuck) }];
}

function stuckNote({ devices, some }: RolloutSnapshot['tally']['stuck']): string {
  if (devices === 0) return '';
  const more = devices > some.length ? ` and ${devices - some.length} more` : '';
  return `could not be rolled back after several attempts: ${some.join(', ')}${more}`;
}

/** Sent to the device, and the attempt has neither ended nor expired. */
const inFlight = ({ state }: PlanMember): boolean => state === 'sent' || state === 'in-progress';

const isDue = ({ dueMs }: PlanMember, now: number): boolean => dueMs > 0 && now >= dueMs;

function batches(members: readonly PlanMember[]): string[][] {
  const lists: string[][] = [];
  for (let i = 0; i < members.length; i += BATCH) {
    lists.push(members.slice(i, i + BATCH).map(({ device }) => device));
  }
  return lists;
}
