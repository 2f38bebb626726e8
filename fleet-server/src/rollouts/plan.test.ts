import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GATE_NAMES, VERDICT_STATES, type Verdict } from './gates/types.ts';
import { planWave } from './plan.ts';
import { type ModelMember, modelMember as member, snapshotOf } from './testing-plan.ts';
import { BACK_STATES, MEMBER_STATES, type PlanRollout, ROLLOUT_STATES } from './types.ts';

const rollout: PlanRollout = {
  state: 'running',
  haltedBy: undefined,
  sizes: [1, 3],
  wave: 0,
  approvedWaves: 0,
  accepted: [],
  rateMs: 0,
  soakMs: 100,
  maxSoakMs: 1000,
  startMs: 0,
  maintenance: [],
  approval: 'none',
};

const verdict = (state: Verdict['state']): Verdict => ({
  gate: 'confidence',
  state,
  sentence: `it is ${state}`,
  numbers: {},
});

const plan = (
  change: Partial<PlanRollout>,
  members: ModelMember[],
  now = 0,
  verdicts: Verdict[] = [],
) => planWave(snapshotOf({ ...rollout, ...change }, members, verdicts, now), now);

const committed = { state: 'committed', attempt: 1, endedMs: 10 } as const;
const sent = { state: 'sent', attempt: 1, dueMs: 5010 } as const;

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

  it('leaves it to a person whether suspicious evidence is enough to go on', () => {
    const members = [member(0, committed), member(1), member(2)];
    const suspicious = { ...verdict('waiting'), numbers: { odds: 9 } };
    expect(plan({}, members, 1e9, [suspicious])).toEqual([]);
    const decided = { accepted: ['confidence'] } as const;
    expect(plan(decided, members, 1009, [suspicious])).toEqual([]);
    expect(plan(decided, members, 1010, [suspicious])).toMatchObject([
      { kind: 'openWave', wave: 1 },
    ]);
    const later = { ...suspicious, gate: 'latency' } as const;
    expect(plan({ approvedWaves: 2 }, members, 1e9, [suspicious])).toEqual([]);
    expect(plan({ ...decided, approvedWaves: 2 }, members, 1e9, [suspicious, later])).toEqual([]);
    const all = [0, 1, 2].map((i) => member(i, committed));
    expect(plan({ wave: 1 }, all, 1010, [suspicious])).toMatchObject([{ kind: 'finish' }]);
  });

  it('waits for evidence, but no longer than the longest soak, and says so', () => {
    const members = [member(0, committed), member(1), member(2)];
    expect(plan({}, members, 1009, [verdict('waiting')])).toEqual([]);
    const note = 'passed after the longest soak without a verdict of confidence';
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

  it('tries a failure again when that is due, and does not open a wave before', () => {
    const failed = [
      member(0, { state: 'failed', attempt: 1, dueMs: 1050, endedMs: 1000 }),
      member(1),
    ];
    expect(plan({}, failed, 1049)).toEqual([]);
    expect(plan({}, failed, 1050)).toEqual([{ kind: 'retry', devices: ['d0'] }]);
    const lasting = [member(0, { state: 'failed', attempt: 3, endedMs: 1000 }), member(1)];
    expect(plan({}, lasting, 1100)).toEqual([{ kind: 'openWave', wave: 1, note: '' }]);
  });

  it('does not let a silent device hold up its wave', () => {
    const silent = [member(0, sent), member(1), member(2)];
    expect(plan({}, silent, 5009)).toEqual([]);
    expect(plan({}, silent, 5010)).toEqual([{ kind: 'expire', devices: ['d0'] }]);
    const expired = [member(0, { state: 'expired', attempt: 1, endedMs: 5010 }), member(1)];
    expect(plan({}, expired, 5110)).toEqual([{ kind: 'openWave', wave: 1, note: '' }]);
  });

  it('ends a comparison in time, whatever it still waits for', () => {
    const comparing = { kind: 'shadow', promote: 'gate', maxHours: 1, untilMs: 2000 } as const;
    const open: Verdict = { ...verdict('open'), gate: 'disagreement' };
    const away = [member(0, sent), member(1), member(2)];
    expect(plan({ comparing }, away, 1999, [open])).toEqual([]);
    expect(plan({ comparing }, away, 2000, [open])).toMatchObject([{ kind: 'finish' }]);
    expect(plan({ comparing, approval: 'start', wave: -1 }, away, 2000)).toHaveLength(1);
    const all = [0, 1, 2].map((i) => member(i, committed));
    expect(plan({ comparing, wave: 1 }, all, 2000, [open])).toEqual([{ kind: 'promote' }]);
    expect(plan({ comparing, state: 'paused' }, all, 1999, [open])).toEqual([]);
    expect(plan({ comparing, state: 'paused' }, all, 2000, [open])).toMatchObject([
      { kind: 'finish', state: 'done' },
    ]);
  });

  it('does nothing while paused, and goes on when resumed', () => {
    const failed = member(1, { state: 'failed', attempt: 1, dueMs: 5 });
    expect(plan({ state: 'paused' }, [member(0), failed], 9)).toEqual([]);
  });
});

describe('a halted rollout', () => {
  const halted = { state: 'halted', haltedBy: 'confidence', wave: 1 } as const;

  it('brings back every device that was asked, whatever became of it', () => {
    const asked = ['sent', 'in-progress', 'committed', 'failed', 'rolled-back', 'expired'];
    const members = MEMBER_STATES.map((state, i) =>
      member(i, { state, attempt: asked.includes(state) ? 1 : 0 }),
    );
    expect(plan(halted, members)).toEqual([
      { kind: 'rollBack', devices: ['d1', 'd2', 'd3', 'd4', 'd5', 'd6'] },
    ]);
  });

  it('ends when all are back', () => {
    const back = (backState: ModelMember['backState']) => [
      member(0, { ...committed, backState }),
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

  it('tries the way back again when that is due, and names the device that it gave up', () => {
    const failed = (dueMs: number) => [member(0, { ...committed, backState: 'failed', dueMs })];
    expect(plan(halted, failed(51), 50)).toEqual([]);
    expect(plan(halted, failed(50), 50)).toEqual([{ kind: 'retryBack', devices: ['d0'] }]);
    expect(plan(halted, failed(0), 50)).toEqual([
      {
        kind: 'finish',
        state: 'rolled-back',
        note: 'could not be rolled back after several attempts: d0',
      },
    ]);
  });
});

describe('any plan', () => {
  const anyMember = fc.record({
    state: fc.constantFrom(...MEMBER_STATES),
    attempt: fc.integer({ min: 0, max: 4 }),
    endedMs: fc.nat(10_000),
    backState: fc.constantFrom(...BACK_STATES),
    dueMs: fc.nat(20_000),
  });
  const anyWorld = fc.record({
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
    now: fc.nat(20_000),
  });
  type World = typeof anyWorld extends fc.Arbitrary<infer T> ? T : never;
  const planOf = ({ rollout, members, verdicts, now }: World) =>
    planWave(snapshotOf(rollout, members, verdicts, now), now);

  it('is the same for the same snapshot', () => {
    fc.assert(
      fc.property(anyWorld, (world) => {
        expect(planOf(structuredClone(world))).toEqual(planOf(world));
      }),
    );
  });

  it('deploys only within the open wave, only to devices that wait, and never past a closed gate', () => {
    fc.assert(
      fc.property(anyWorld, (world) => {
        const size = world.rollout.sizes[world.rollout.wave] ?? 0;
        const closed = world.verdicts.some(({ state }) => state === 'closed');
        for (const action of planOf(world)) {
          const starts = action.kind === 'deploy' || action.kind === 'retry';
          if (starts) expect(world.rollout.state === 'running' && !closed).toBe(true);
          if (action.kind === 'openWave') expect(closed).toBe(false);
          if (action.kind !== 'deploy') continue;
          for (const device of action.devices) {
            const one = world.members.find((other) => other.device === device);
            expect(one?.state).toBe('pending');
            expect(one?.position).toBeLessThan(size);
          }
        }
      }),
    );
  });

  it('names a device once at most', () => {
    fc.assert(
      fc.property(anyWorld, (world) => {
        const named = planOf(world).flatMap((action) =>
          'devices' in action ? action.devices : [],
        );
        expect(new Set(named).size).toBe(named.length);
      }),
    );
  });
});
