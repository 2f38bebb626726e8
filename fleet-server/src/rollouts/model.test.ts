import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Verdict } from './gates/types.ts';
import { nextAllowedMs } from './pace/testing.ts';
import { hoursOf } from './pace/windows.ts';
import { planWave } from './plan.ts';
import { type RolloutRequest, settingsOf } from './settings.ts';
import { ModelServer, type Row, type Word } from './testing-model.ts';
import { modelMember, snapshotOf } from './testing-plan.ts';
import type { Action } from './types.ts';
import { waveSizes } from './waves.ts';

/** The database's own part is tested by convergence.test.ts; here is the planner's, many times over. */
const RUNS = process.env.FLOTILLA_LONG === '1' ? 5000 : 200;
const START = Date.parse('2027-03-27T20:00:00Z');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ZONES = ['', 'Europe/Berlin', 'America/New_York'] as const;

/** How a device's attempts end. */
const BEHAVIORS = {
  healthy: () => ['committed', ''],
  hesitant: (attempt) => (attempt < 3 ? ['failed', 'download.failed'] : ['committed', '']),
  weak: (attempt) => (attempt < 2 ? ['failed', 'runtime.died'] : ['committed', '']),
  unfit: () => ['failed', 'deployment.self-test-failed'],
  unhealthy: () => ['rolled-back', 'deployment.errors'],
  late: (attempt) => (attempt < 2 ? ['failed', 'deployment.window-closed'] : ['committed', '']),
  silent: () => undefined,
} as const satisfies Record<string, (attempt: number) => [Word['result'], string] | undefined>;
type Behavior = keyof typeof BEHAVIORS;

/** Begins each attempt once, ends the one under way when it is told something else. */
class ModelDevice {
  readonly behavior: Behavior;
  readonly #begun = new Set<string>();
  #under: Pick<Word, 'way' | 'attempt'> | undefined;
  readonly said: Word[] = [];

  constructor(behavior: Behavior) {
    this.behavior = behavior;
  }

  sync({ attempt, backState, backAttempt }: Row): void {
    const back = backState !== 'none';
    const wanted = {
      way: back ? 'back' : 'forward',
      attempt: back ? backAttempt : attempt,
    } as const;
    const key = `${wanted.way} ${wanted.attempt}`;
    if (wanted.attempt === 0 || this.#begun.has(key)) return;
    this.#end('failed', 'deployment.superseded');
    this.#begun.add(key);
    this.#under = wanted;
    this.said.push({ ...wanted, result: 'in-progress', code: '' });
  }

  step(): void {
    if (this.#under?.way === 'back') {
      const fails = this.behavior === 'weak' && this.#under.attempt < 3;
      this.#end(fails ? 'failed' : 'committed', fails ? 'deployment.hung' : '');
      return;
    }
    const [result, code] = BEHAVIORS[this.behavior](this.#under?.attempt ?? 0) ?? [];
    if (result !== undefined) this.#end(result, code ?? '');
  }

  #end(result: Word['result'], code: string): void {
    if (this.#under !== undefined) this.said.push({ ...this.#under, result, code });
    this.#under = undefined;
  }
}

const happening = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('tick' as const),
      /** Actions that are executed before the server dies. */
      most: fc.oneof(fc.constant(1000), fc.nat(2)),
      /** The plan is executed once more, or later, as by another server. */
      stale: fc.boolean(),
    }),
  },
  { weight: 12, arbitrary: fc.record({ kind: fc.constantFrom('sync', 'step'), i: fc.nat(11) }) },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('hear' as const),
      i: fc.nat(11),
      at: fc.nat(5),
      again: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.oneof(fc.nat(2000), fc.nat(5 * MINUTE), fc.nat(9 * HOUR)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('approve', 'pause', 'resume', 'join') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('abort', 'withdraw'), i: fc.nat(11) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('judge' as const),
      verdict: fc.constantFrom('open', 'open', 'waiting', 'closed'),
    }),
  },
);
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const strategy = fc.record({
  waves: fc.constantFrom(['1', '50%', '100%'], ['3', '100%'], ['100%']),
  rate: optional(fc.record({ perMinute: fc.constantFrom(1, 3, 60) })),
  maxInFlight: optional(fc.integer({ min: 1, max: 3 })),
  rollBackPerMinute: optional(fc.constantFrom(1, 5)),
  delayMs: fc.constantFrom(0, HOUR),
  maintenance: fc.constantFrom([], [{ from: '01:30', to: '03:30' }]),
  approval: fc.constantFrom('none' as const, 'start' as const, 'each' as const),
});
type StrategyOf = typeof strategy extends fc.Arbitrary<infer T> ? T : never;

const verdictOf = (state: Verdict['state']): Verdict => ({
  gate: 'confidence',
  state,
  sentence: `it is ${state}`,
  numbers: {},
});

class World {
  readonly #server: ModelServer;
  readonly #devices = new Map<string, ModelDevice>();
  readonly #rate: number | undefined;
  #now = START;
  #verdicts: Verdict[] = [];
  #stale: Action[] = [];

  constructor({ delayMs, ...chosen }: StrategyOf, behaviors: readonly Behavior[]) {
    const known = Object.entries(chosen).filter(([, value]) => value !== undefined);
    const settings = settingsOf({
      ...{ model: 'parts', version: 2, soakMs: 500, maxSoakMs: 5000, watchMs: 0 },
      ...{ deadlineMs: 6 * HOUR, maxAttempts: 2, retryMs: 1000, startMs: START + delayMs },
      ...(Object.fromEntries(known) as Partial<RolloutRequest>),
    });
    const rows = behaviors.map((behavior, i) => this.#newRow(i, behavior));
    this.#server = new ModelServer(settings, waveSizes(settings.waves, rows.length), rows);
    this.#rate = chosen.rate?.perMinute;
  }

  #newRow(i: number, behavior: Behavior): Row {
    const timeZone = ZONES[i % ZONES.length] ?? '';
    const row = { ...modelMember(i, { timeZone }), strikes: 0, backAttempt: 0 };
    this.#devices.set(row.device, new ModelDevice(behavior));
    return row;
  }

  happen(one: Happening): void {
    if (one.kind === 'tick')
      this.#tick('most' in one ? one.most : 1000, 'stale' in one && one.stale);
    else if (one.kind === 'wait') this.#now += 'ms' in one ? one.ms : 0;
    else if (one.kind === 'hear') this.#hear(one as Extract<Happening, { at: number }>);
    else if ('verdict' in one) this.#verdicts = [verdictOf(one.verdict as Verdict['state'])];
    else if (one.kind === 'sync' || one.kind === 'step' || one.kind === 'withdraw') {
      this.#on(one.kind, 'i' in one ? one.i : 0);
    } else this.#command(one.kind);
  }

  #plan(): Action[] {
    const server = this.#server;
    const snapshot = snapshotOf(server.rollout, server.members, this.#verdicts, this.#now);
    const plan = planWave(snapshot, this.#now);
    expect(planWave(structuredClone(snapshot), this.#now), 'the same plan').toEqual(plan);
    return plan;
  }

  #tick(most: number, stale: boolean): void {
    for (const action of this.#stale) this.#execute(action);
    const plan = this.#plan();
    for (const action of plan.slice(0, most)) this.#execute(action);
    this.#stale = stale ? plan : [];
    if (this.#server.rollout.state === 'halted') this.#verdicts = [];
  }

  /** What an action may do, whatever the plan was made of. */
  #execute(action: Action): void {
    const server = this.#server;
    const before = new Map(server.rows);
    const wave = server.rollout.wave;
    server.execute(action, this.#now);
    const { rollout } = server;
    if (rollout.wave > wave) {
      const approvals = { none: 0, start: 1, each: rollout.wave + 1 }[rollout.approval];
      expect(rollout.approvedWaves, 'approved').toBeGreaterThanOrEqual(approvals);
      expect(this.#now, 'not before its start').toBeGreaterThanOrEqual(rollout.startMs);
    }
    for (const row of server.members) {
      const was = before.get(row.device)!;
      if (row.attempt !== was.attempt) this.#checkAsked(was, row);
      if (row.backAttempt !== was.backAttempt) expect(row.backAttempt).toBe(was.backAttempt + 1);
    }
    this.#checkPace();
  }

  #checkAsked(was: Row, row: Row): void {
    const { rollout } = this.#server;
    expect(['pending', 'failed'], 'one attempt in flight').toContain(was.state);
    expect(row.attempt).toBe(was.attempt + 1);
    expect(row.position).toBeLessThan(rollout.sizes[rollout.wave] ?? 0);
    expect(hoursOf(rollout.maintenance, row.timeZone).isOpen(this.#now), 'in its hours').toBe(true);
  }

  #checkPace(): void {
    const { rollout, asked, broughtBack } = this.#server;
    const { inFlight } = this.#server.tally(this.#now);
    expect(inFlight).toBeLessThanOrEqual(rollout.maxInFlight ?? Number.POSITIVE_INFINITY);
    const lastMinute = (times: readonly number[]) =>
      times.filter((at) => at > this.#now - MINUTE).length;
    const bound = (perMinute: number) => perMinute + perMinute / 30 + 1;
    if (this.#rate !== undefined) {
      const times = asked.map(({ atMs }) => atMs);
      expect(lastMinute(times)).toBeLessThanOrEqual(bound(this.#rate));
    }
    if (rollout.rollBackPerMinute !== undefined) {
      expect(lastMinute(broughtBack)).toBeLessThanOrEqual(bound(rollout.rollBackPerMinute));
    }
  }

  #on(kind: 'sync' | 'step' | 'withdraw', i: number): void {
    const row = this.#server.members[i];
    const device = this.#devices.get(row?.device ?? '');
    if (row === undefined || device === undefined) return;
    if (kind === 'sync') device.sync(row);
    else if (kind === 'step') device.step();
    else if (row.state === 'pending') this.#server.set(row.device, { state: 'withdrawn' });
  }

  #hear({ i, at, again }: { readonly i: number; readonly at: number; readonly again: boolean }) {
    const row = this.#server.members[i];
    const said = this.#devices.get(row?.device ?? '')?.said ?? [];
    const word = said[at % Math.max(1, said.length)];
    if (row === undefined || word === undefined) return;
    if (!again) said.splice(said.indexOf(word), 1);
    this.#server.hear(row.device, word, this.#now);
  }

  #command(kind: 'abort' | 'pause' | 'resume' | 'approve' | 'join' | string): void {
    const server = this.#server;
    const { state, wave, sizes } = server.rollout;
    const open = state === 'running' || state === 'paused';
    if (kind === 'abort' && open) server.halt('operator');
    else if (kind === 'pause' && state === 'running')
      server.rollout = { ...server.rollout, state: 'paused' };
    else if (kind === 'resume' && state === 'paused')
      server.rollout = { ...server.rollout, state: 'running' };
    else if (kind === 'approve' && open && wave + 1 < sizes.length) {
      server.rollout = {
        ...server.rollout,
        approvedWaves: Math.max(server.rollout.approvedWaves, wave + 2),
        accepted: this.#verdicts.map(({ gate }) => gate),
      };
    } else if (kind === 'join' && open && server.rows.size < 16) {
      const last = sizes.at(-1) ?? 0;
      const row = this.#newRow(last, 'healthy');
      server.rows.set(row.device, row);
      server.rollout = { ...server.rollout, sizes: [...sizes.slice(0, -1), last + 1] };
    }
  }

  get #ended(): boolean {
    return ['done', 'rolled-back', 'aborted'].includes(this.#server.rollout.state);
  }

  /** With devices that answer, time, and a person who resumes and approves, every rollout ends. */
  finish(): void {
    for (let turn = 0; turn < 1500 && !this.#ended; turn++) {
      this.#command('resume');
      const before = this.#server.rollout;
      const heard = this.#everyDevice();
      const plan = this.#plan();
      for (const action of plan) this.#execute(action);
      const moved = heard || plan.length > 0 || this.#server.rollout !== before;
      if (moved || this.#ended) continue;
      const next = this.#nextMs();
      if (next === undefined) {
        const { approvedWaves, accepted } = this.#server.rollout;
        this.#command('approve');
        const approved = this.#server.rollout;
        const helps = approved.approvedWaves > approvedWaves || accepted.length === 0;
        expect(helps, 'waits for a person').toBe(true);
      } else this.#now = next;
    }
    expect(this.#ended).toBe(true);
    this.#checkEnd();
  }

  #everyDevice(): boolean {
    let heard = false;
    for (const row of this.#server.members) {
      const device = this.#devices.get(row.device)!;
      device.sync(row);
      device.step();
      for (const word of device.said.splice(0)) {
        const before = this.#server.rows.get(row.device);
        this.#server.hear(row.device, word, this.#now);
        heard ||= this.#server.rows.get(row.device) !== before;
      }
    }
    return heard;
  }

  /** When something will be due without anybody's doing. */
  #nextMs(): number | undefined {
    const { rollout } = this.#server;
    const tally = this.#server.tally(this.#now);
    const size = rollout.sizes[rollout.wave] ?? 0;
    const back = rollout.rollBackPerMinute;
    const rate = rollout.state === 'halted' ? back && { perMinute: back } : rollout.rate;
    const times = [
      rollout.startMs,
      ...this.#server.members.map(({ dueMs }) => dueMs),
      tally.lastEndedMs + rollout.soakMs,
      tally.lastEndedMs + rollout.maxSoakMs,
      rate
        ? nextAllowedMs(rate, { rateMs: rollout.rateMs, committed: tally.committed }, this.#now)
        : 0,
      ...this.#server.members
        .filter(({ state, position }) => state === 'pending' && position < size)
        .map(({ timeZone }) => hoursOf(rollout.maintenance, timeZone).openingMs(this.#now) ?? 0),
    ].filter((at) => at > this.#now);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  #checkEnd(): void {
    const { rollout, members } = this.#server;
    for (const { state, attempt, backState } of members) {
      if (rollout.state === 'done') {
        expect(['pending', 'sent', 'in-progress']).not.toContain(state);
        expect(backState).toBe('none');
      } else expect(backState).toBe(attempt > 0 ? 'committed' : 'none');
    }
  }
}

describe('a rollout on a virtual clock', { timeout: 600_000 }, () => {
  it('keeps to its waves, pace, hours and approvals, and ends, whatever happens in whatever order', () => {
    const names = Object.keys(BEHAVIORS) as Behavior[];
    const behaviors = fc.array(fc.constantFrom(...names), { minLength: 3, maxLength: 12 });
    const happenings = fc.array(happening, { minLength: 10, maxLength: 150 });
    fc.assert(
      fc.property(strategy, behaviors, happenings, (chosen, fleet, events) => {
        const world = new World(chosen, fleet);
        for (const one of events) world.happen(one);
        world.finish();
      }),
      { numRuns: RUNS },
    );
  });
});
