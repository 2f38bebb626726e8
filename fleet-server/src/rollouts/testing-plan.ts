import type { Verdict } from './gates/types.ts';
import { openZones } from './pace/room.ts';
import type { PlanMember, PlanRollout, RolloutSnapshot, Tally } from './types.ts';

/** A member as a test writes it down: what the database's row says, as far as a plan depends on it. */
export interface ModelMember extends PlanMember {
  readonly attempt: number;
  readonly endedMs: number;
}

export const modelMember = (position: number, change: Partial<ModelMember> = {}): ModelMember => ({
  device: `d${position}`,
  position,
  state: 'pending',
  backState: 'none',
  dueMs: 0,
  timeZone: '',
  attempt: 0,
  endedMs: 0,
  ...change,
});

/** What `gatherSnapshot` makes of the same members in a database. */
export function snapshotOf(
  rollout: PlanRollout,
  members: readonly ModelMember[],
  verdicts: readonly Verdict[],
  now: number,
): RolloutSnapshot {
  const size = rollout.wave < 0 ? 0 : (rollout.sizes[rollout.wave] ?? 0);
  const halted = rollout.state === 'halted';
  const byDue = members
    .filter(({ dueMs }) => dueMs > 0 && dueMs <= now)
    .sort((a, b) => a.dueMs - b.dueMs);
  const waiting = members.filter(
    ({ state, position }) =>
      rollout.state === 'running' && state === 'pending' && position >= 0 && position < size,
  );
  return {
    rollout,
    tally: { ...tallyOf(members), waiting: waiting.length > 0 },
    pending: waiting.filter(openZones(rollout, now)),
    due: byDue,
    toGoBack: halted
      ? members.filter(({ attempt, backState }) => attempt > 0 && backState === 'none')
      : [],
    verdicts,
  };
}

function tallyOf(members: readonly ModelMember[]): Tally {
  const due = members.filter(({ dueMs }) => dueMs > 0);
  const stuck = members.filter(({ backState, dueMs }) => backState === 'failed' && dueMs === 0);
  return {
    waiting: false,
    committed: members.filter(({ state }) => state === 'committed').length,
    inFlight: due.filter(({ state }) => state !== 'failed').length,
    retrying: due.filter(({ state }) => state === 'failed').length,
    lastEndedMs: Math.max(0, ...members.map(({ endedMs }) => endedMs)),
    goingBack: members.filter(
      ({ backState, dueMs }) =>
        backState === 'sent' ||
        backState === 'in-progress' ||
        (backState === 'failed' && dueMs > 0),
    ).length,
    stuck: { devices: stuck.length, some: stuck.slice(0, 5).map(({ device }) => device) },
  };
}
