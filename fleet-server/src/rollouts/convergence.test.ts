import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenDatabase, openDatabase } from '../db/open.ts';
import { type AdvanceContext, advanceRollout } from './advance.ts';
import { changeRollout } from './change.ts';
import { createRollout } from './create.ts';
import { readMembers } from './members.ts';
import { createPublisher } from './publisher.ts';
import type { RolloutRequest } from './settings.ts';
import { ENDED_STATES, type MemberRow, readRollout } from './store.ts';
import {
  type Behavior,
  createIntake,
  deviceId,
  FLEET,
  healthy,
  SimulatedDevice,
  seedFleet,
} from './testing.ts';

const DEVICES = 6;
/** Each run is a whole rollout against a real database: a seeded sample unless there is time. */
const LONG = process.env.FLOTILLA_LONG === '1';
const START = 1_800_000_000_000;

const request = (version: number): RolloutRequest => ({
  model: 'parts',
  version,
  waves: ['1', '50%', '100%'],
  soakMs: 500,
  maxSoakMs: 1000,
  watchMs: 0,
  deadlineMs: 20_000,
  maxAttempts: 2,
  retryMs: 10,
  gates: { maxFailedShare: 0.4 },
});

/** What can happen, in any order; numbers pick a device and a message. */
const happening = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('tick' as const) }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('sync' as const), i: fc.nat(DEVICES - 1) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('step' as const), i: fc.nat(DEVICES - 1) }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('hear' as const),
      i: fc.nat(DEVICES - 1),
      message: fc.nat(5),
      again: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(2000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('abort' as const, 'pause' as const, 'resume' as const),
    }),
  },
);

const behaviors: readonly Behavior[] = [
  healthy,
  healthy,
  (version) =>
    version === 2 ? { result: 'RESULT_ROLLED_BACK', code: 'watch.unhealthy' } : healthy(1, 1),
  (version, attempt) =>
    version === 2 && attempt === 1 ? { result: 'RESULT_FAILED', code: 'x' } : healthy(1, 1),
  (version) => ({ result: version === 2 ? 'RESULT_IN_PROGRESS' : 'RESULT_COMMITTED' }),
];

describe('a rollout', { timeout: 600_000 }, () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-converge-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('converges after any order of reports, repetitions, crashes and commands', async () => {
    let run = 0;
    const property = fc.asyncProperty(
      fc.array(happening, { minLength: 20, maxLength: 120 }),
      fc.array(fc.nat(behaviors.length - 1), { minLength: DEVICES, maxLength: DEVICES }),
      async (happenings, picks) => {
        const file = join(folder, `${run++}.db`);
        const database = await openDatabase({ kind: 'sqlite', file });
        try {
          const world = await World.open(
            database,
            picks.map((pick) => behaviors[pick] ?? healthy),
          );
          for (const one of happenings) {
            await world.happen(one);
            await world.check();
          }
          await world.finish();
        } finally {
          await database.close();
        }
      },
    );
    await fc.assert(property, LONG ? { numRuns: 300 } : { numRuns: 20, seed: 5 });
  });
});

type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

/** A fleet that runs version 1 while version 2 goes out. */
class World {
  readonly #database: OpenDatabase;
  readonly #devices: SimulatedDevice[];
  readonly #context: AdvanceContext;
  readonly #intake: ReturnType<typeof createIntake>;
  #now = START;
  #id = '';
  /** Devices that were sent a desired state which they have not taken yet. */
  readonly #inbox = new Set<string>();
  readonly #attempts = new Map<string, number>();

  private constructor(database: OpenDatabase, devices: SimulatedDevice[]) {
    this.#database = database;
    this.#devices = devices;
    this.#intake = createIntake(database.db, database.dialect, () => undefined);
    this.#context = {
      ...database,
      publishDesired: async (_fleet, device) => void this.#inbox.add(device),
      onChange: () => undefined,
    };
  }

  static async open(database: OpenDatabase, picked: readonly Behavior[]): Promise<World> {
    await seedFleet(database.db, { devices: picked.length, versions: 2 });
    const devices = picked.map((behavior, i) => new SimulatedDevice(deviceId(i), behavior));
    const world = new World(database, devices);
    await world.#create(1);
    for (let turn = 0; turn < 8; turn++) await world.#everything(1000);
    expect(devices.map(({ running }) => running?.version)).toEqual(devices.map(() => 1));
    await world.#create(2);
    return world;
  }

  async #create(version: number): Promise<void> {
    const by = { actor: 'test', now: this.#now };
    const { id } = await createRollout(this.#database, FLEET, request(version), by);
    this.#id = id;
  }

  async happen(one: Happening): Promise<void> {
    const { db } = this.#database;
    switch (one.kind) {
      case 'tick':
        return this.#tick();
      case 'wait':
        this.#now += one.ms;
        return;
      case 'crash':
        // what was committed but not yet taken by a device is lost with the process
        this.#inbox.clear();
        return this.#restart();
      case 'sync':
        if (this.#inbox.delete(deviceId(one.i))) await this.#devices[one.i]?.sync(db);
        return;
      case 'step':
        return this.#devices[one.i]?.step(db);
      case 'hear':
        return this.#hear(one.i, one.message, one.again);
      case 'abort':
      case 'pause':
      case 'resume':
        return this.#command(one.kind);
    }
  }

  async #command(change: 'abort' | 'pause' | 'resume'): Promise<void> {
    const { state } = await readRollout(this.#database.db, FLEET, this.#id);
    const possible = { abort: ['running', 'paused'], pause: ['running'], resume: ['paused'] };
    if (!possible[change].includes(state)) return;
    const by = { actor: 'test', now: this.#now };
    await changeRollout(this.#database, { fleet: FLEET, id: this.#id }, change, by);
  }

  /** Reports come in any order, and more than once. */
  async #hear(i: number, message: number, again: boolean): Promise<void> {
    const device = this.#devices[i]!;
    const at = message % Math.max(1, device.said.length);
    const outcome = device.said[at];
    if (outcome === undefined) return;
    if (!again) device.said.splice(at, 1);
    await this.#intake.outcome(device.id, outcome, this.#now);
  }

  async #tick(): Promise<void> {
    const target = { fleet: FLEET, id: this.#id };
    await advanceRollout(this.#context, target, { now: this.#now, evidence: 'new' });
  }

  async #restart(): Promise<void> {
    const log = { warn: () => undefined } as unknown as Parameters<
      typeof createPublisher
    >[0]['log'];
    await createPublisher({ ...this.#context, log }).repeat();
  }

  async #everything(ms: number): Promise<void> {
    await this.#tick();
    for (const device of this.#devices) {
      await device.sync(this.#database.db);
      await device.step(this.#database.db);
      for (const outcome of device.said.splice(0)) {
        await this.#intake.outcome(device.id, outcome, this.#now);
      }
    }
    this.#now += ms;
  }

  /** What must hold at every moment. */
  async check(): Promise<void> {
    const { db } = this.#database;
    const rollout = await readRollout(db, FLEET, this.#id);
    const members = await readMembers(db, rollout);
    const size = rollout.wave < 0 ? 0 : (rollout.sizes[rollout.wave] ?? 0);
    const ordered = members.filter(({ deployment }) => deployment !== '');
    expect(ordered.length).toBeLessThanOrEqual(size);
    expect(ordered.every(({ position }) => position < size)).toBe(true);
    await this.#checkAttempts();
  }

  /** One deployment of a slot wanted at a time, and attempts only rise, as far as is allowed. */
  async #checkAttempts(): Promise<void> {
    const { db } = this.#database;
    const rows = await db
      .selectFrom('deployments')
      .select(['deployment', 'attempt', 'reason'])
      .execute();
    for (const { deployment, attempt, reason } of rows) {
      expect(attempt).toBeGreaterThanOrEqual(this.#attempts.get(deployment) ?? 1);
      if (!reason.startsWith('rolls back')) expect(attempt).toBeLessThanOrEqual(2);
      this.#attempts.set(deployment, attempt);
    }
    const slots = await db.selectFrom('slots').select('device').execute();
    expect(new Set(slots.map(({ device }) => device)).size).toBe(slots.length);
  }

  /** With a working network and time, every rollout ends, and every device runs what it should. */
  async finish(): Promise<void> {
    const { db } = this.#database;
    await this.#restart();
    await this.#command('resume');
    const ended = async () => ENDED_STATES.includes((await readRollout(db, FLEET, this.#id)).state);
    for (let turn = 0; turn < 80 && !(await ended()); turn++) {
      await this.#everything(1000);
      await this.check();
    }
    const rollout = await readRollout(db, FLEET, this.#id);
    expect(ENDED_STATES).toContain(rollout.state);
    const members = await readMembers(db, rollout);
    for (const device of this.#devices) {
      const member = members.find((one) => one.device === device.id);
      expect(device.running?.version).toBe(expectedVersion(rollout.state, member!));
    }
    const claims = await db.selectFrom('rollout_claims').select('device').execute();
    expect(claims).toEqual([]);
  }
}

function expectedVersion(state: string, member: MemberRow): number {
  return state === 'done' && member.state === 'committed' ? 2 : 1;
}
