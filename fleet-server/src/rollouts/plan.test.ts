import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GATE_NAMES, VERDICT_STATES, type Verdict } from './gates/types.ts';
import { planWave } from './plan.ts';
import {
  BACK_STATES,
  MEMBER_STATES,
  type PlanMember,
  type PlanRollout,
  ROLLOUT_STATES,
  type RolloutSnapshot,
} from './types.ts';

const rollout: PlanRollout = {
  state: 'running',
  haltedBy: undefined,
  sizes: [1, 3],
  wave: 0,
  soakMs: 100,
  maxSoakMs: 1000,
  deadlineMs: 5000,
  maxAttempts: 2,
  retryMs: 50,
};

const member = (position: number, change: Partial<PlanMember> = {}): PlanMember => ({
  device: `d${position}`,
  position,
  state: 'pending',
  attempt: 0,
  started: false,
  retryable: false,
  sentMs: 0,
  endedMs: 0,
  backState: 'none',
  backAttempt: 0,
  backEndedMs: 0,
  ...change,
});

const verdict = (state: Verdict['state']): Verdict => ({
  gate: 'confidence',
  state,
  sentence: `it is ${state}`,
  numbers: {},
});

const plan = (
  change: Partial<PlanRollout>,
  members: PlanMember[],
  now = 0,
  verdicts: Verdict[] = [],
) => planWave({ rollout: { ...rollout, ...change }, members, verdicts }, now);

const committed = { state: 'committed', attempt: 1, started: true, endedMs: 10 } as const;

describe('a running rollout', () => {
  it('opens its first wave, then deploys to the devices of the wave only', () => {
    const members = [member(0), member(1), member(2)];
    expect(plan({ wave: -1 }, members)).toEqual([{ kind: 'openWave', wave: 0, note: '' }]);
    expect(plan({}, members)).toEqual([{ kind: 'deploy', devices: ['d0'] }]);
    expect(plan({ wave: 1 }, members)).toEqual([{ kind: 'deploy', devices: ['d0', 'd1', 'd2'] }]);
  });

  it('soaks before it opens the next wave, and after the last one', () => {
    const first = [member(0, committed), member(1), member(2)];
    expect(plan({}, first, 109)).toEqual([]);
    expect(plan({}, first, 110)).toEqual([{ kind: 'openWave', wave: 1, note: '' }]);
    const all = [0, 1, 2].map((i) => member(i, committed));
    expect(plan({ wave: 1 }, all, 109)).toEqual([]);
    expect(plan({ wave: 1 }, all, 110)).toEqual([{ kind: 'finish', state: 'done', note: '' }]);
  });

  it('waits for evidence, but no longer than the longest soak, and says so', () => {
    const members = [member(0, committed), member(1), member(2)];
    expect(plan({}, members, 1009, [verdict('waiting')])).toEqual([]);
    const note = 'passed without a verdict after the longest soak: it is waiting';
    expect(plan({}, members, 1010, [verdict('waiting')])).toEqual([
      { kind: 'openWave', wave: 1, note },
    ]);
    expect(plan({}, members, 110, [verdict('not-applicable'), verdict('open')])).toHaveLength(1);
  });

  it('halts at once when a gate closes, even in mid-wave and while paused', () => {
    const members = [member(0, { state: 'in-progress' }), member(1)];
    for (const state of ['running', 'paused'] as const) {
      expect(plan({ state, wave: 1 }, members, 1, [verdict('open'), verdict('closed')])).toEqual([
        { kind: 'halt', cause: 'confidence', sentence: 'it is closed' },
      ]);
    }
  });

  it('tries a passing failure again after a pause that doubles, up to the last attempt', () => {
    const failed = { state: 'failed', retryable: true, endedMs: 1000 } as const;
    const first = [member(0, { ...failed, attempt: 1 })];
    expect(plan({ maxAttempts: 3 }, first, 1049)).toEqual([]);
    expect(plan({ maxAttempts: 3 }, first, 1050)).toEqual([
      { kind: 'retry', device: 'd0', attempt: 2 },
    ]);
    const second = [member(0, { ...failed, attempt: 2 })];
    expect(plan({ maxAttempts: 3 }, second, 1099)).toEqual([]);
    expect(plan({ maxAttempts: 3 }, second, 1100)).toHaveLength(1);
    const last = [member(0, { ...failed, attempt: 3 })];
    expect(plan({ maxAttempts: 3 }, last, 1100)).toEqual([{ kind: 'openWave', wave: 1, note: '' }]);
  });

  it('does not let a silent device hold up its wave', () => {
    const silent = [member(0, { state: 'sent', sentMs: 10 }), member(1), member(2)];
    expect(plan({}, silent, 5009)).toEqual([]);
    expect(plan({}, silent, 5010)).toEqual([{ kind: 'expire', devices: ['d0'] }]);
    const expired = [member(0, { state: 'expired', endedMs: 5010 }), member(1)];
    expect(plan({}, expired, 5110)).toEqual([{ kind: 'openWave', wave: 1, note: '' }]);
  });

  it('does nothing while paused, and goes on when resumed', () => {
    expect(plan({ state: 'paused' }, [member(0)])).toEqual([]);
  });
});

describe('a halted rollout', () => {
  const halted = { state: 'halted', haltedBy: 'confidence', wave: 1 } as const;

  it('brings back every device that was asked, whatever became of it', () => {
    const members = MEMBER_STATES.map((state, i) => member(i, { state }));
    expect(plan(halted, members)).toEqual([
      { kind: 'rollBack', devices: ['d1', 'd2', 'd3', 'd4', 'd5', 'd6'] },
    ]);
  });

  it('ends when all are back', () => {
    const back = (backState: PlanMember['backState']) => [
      member(0, { ...committed, backState, backAttempt: 1 }),
      member(1, { state: 'withdrawn' }),
    ];
    expect(plan(halted, back('in-progress'))).toEqual([]);
    expect(plan(halted, back('committed'))).toEqual([
      { kind: 'finish', state: 'rolled-back', note: '' },
    ]);
    expect(plan({ ...halted, haltedBy: 'operator' }, back('withdrawn'))).toEqual([
      { kind: 'finish', state: 'aborted', note: '' },
    ]);
  });

  it('tries the way back several times, then names the device', () => {
    const failed = (backAttempt: number) => [
      member(0, { ...committed, backState: 'failed', backAttempt, backEndedMs: 0 }),
    ];
    expect(plan(halted, failed(1), 50)).toEqual([{ kind: 'retryBack', device: 'd0', attempt: 2 }]);
    expect(plan(halted, failed(5), 50)).toEqual([
      {
        kind: 'finish',
        state: 'rolled-back',
        note: 'could not be rolled back after 5 attempts: d0',
      },
    ]);
  });
});

describe('any plan', () => {
  const anyMember = fc.record({
    state: fc.constantFrom(...MEMBER_STATES),
    attempt: fc.integer({ min: 0, max: 4 }),
    started: fc.boolean(),
    retryable: fc.boolean(),
    sentMs: fc.nat(10_000),
    endedMs: fc.nat(10_000),
    backState: fc.constantFrom(...BACK_STATES),
    backAttempt: fc.integer({ min: 0, max: 6 }),
    backEndedMs: fc.nat(10_000),
  });
  const anySnapshot: fc.Arbitrary<RolloutSnapshot> = fc.record({
    rollout: fc
      .record({
        state: fc.constantFrom(...ROLLOUT_STATES),
        haltedBy: fc.constantFrom(undefined, 'operator' as const, ...GATE_NAMES),
        wave: fc.integer({ min: -1, max: 2 }),
      })
      .map((change): PlanRollout => ({ ...rollout, sizes: [2, 5, 12], ...change })),
    members: fc
      .array(anyMember, { minLength: 12, maxLength: 12 })
      .map((members) => members.map((one, i) => member(i, one))),
    verdicts: fc.array(
      fc.record({
        gate: fc.constantFrom(...GATE_NAMES),
        state: fc.constantFrom(...VERDICT_STATES),
        sentence: fc.constant('why'),
        numbers: fc.constant({}),
      }),
      { maxLength: 4 },
    ),
  });

  it('is the same for the same snapshot', () => {
    fc.assert(
      fc.property(anySnapshot, fc.nat(20_000), (snapshot, now) => {
        expect(planWave(structuredClone(snapshot), now)).toEqual(planWave(snapshot, now));
      }),
    );
  });

  it('deploys only within the open wave, only to devices that wait, and never past a closed gate', () => {
    fc.assert(
      fc.property(anySnapshot, fc.nat(20_000), (snapshot, now) => {
        const size = snapshot.rollout.sizes[snapshot.rollout.wave] ?? 0;
        const closed = snapshot.verdicts.some(({ state }) => state === 'closed');
        for (const action of planWave(snapshot, now)) {
          const starts = action.kind === 'deploy' || action.kind === 'retry';
          if (starts) expect(snapshot.rollout.state === 'running' && !closed).toBe(true);
          if (action.kind === 'openWave') expect(closed).toBe(false);
          if (action.kind !== 'deploy') continue;
          for (const device of action.devices) {
            const one = snapshot.members.find((other) => other.device === device);
            expect(one?.state).toBe('pending');
            expect(one?.position).toBeLessThan(size);
          }
        }
      }),
    );
  });

  it('names a device once at most', () => {
    fc.assert(
      fc.property(anySnapshot, fc.nat(20_000), (snapshot, now) => {
        const named = planWave(snapshot, now).flatMap((action) =>
          'devices' in action ? action.devices : 'device' in action ? [action.device] : [],
        );
        expect(new Set(named).size).toBe(named.length);
      }),
    );
  });
});
