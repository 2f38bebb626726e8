import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogHistogram } from '@flotilla/model';
import type { Comparison, Window } from '@flotilla/protocol';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPostgres } from '../../../../test/support/postgres.ts';
import { type OpenDatabase, openDatabase } from '../../db/open.ts';
import { type AdvanceContext, advanceRollout } from '../advance.ts';
import { changeRollout } from '../change.ts';
import { createRollout, draftRollout } from '../create.ts';
import { readMembers } from '../members.ts';
import type { RolloutRequest } from '../settings.ts';
import { listRollouts, readRollout } from '../store.ts';
import {
  createIntake,
  deviceId,
  FLEET,
  SimulatedDevice,
  seedFleet,
  sure,
  windowOf,
} from '../testing.ts';
import { viewEvents } from '../views.ts';
import { compareArms } from './compare-arms.ts';
import { compareShadows } from './compare-shadows.ts';
import { promoteRollout } from './promote.ts';

const postgres = await startPostgres();
afterAll(() => postgres?.stop());
const KINDS = postgres === undefined ? (['sqlite'] as const) : (['sqlite', 'postgres'] as const);

const DEVICES = 4;
const sketchOf = (count: number, us: number) => {
  const sketch = new LogHistogram();
  for (let i = 0; i < count; i++) sketch.record(us);
  return sketch.toWire();
};
const HOUR = 3_600_000;
const SHADOW = { kind: 'shadow', shadow: { minCompared: 400, maxHours: 48 } } as const;

describe.each(KINDS)('rollouts that compare on %s', (kind) => {
  let folder: string;
  let database: OpenDatabase;
  let context: AdvanceContext;
  let intake: ReturnType<typeof createIntake>;
  let devices: SimulatedDevice[];
  let now: number;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-kinds-'));
    database = await openDatabase(
      kind === 'sqlite'
        ? { kind, file: join(folder, 'fleet.db') }
        : { kind, url: await postgres!.createDatabase() },
    );
    await seedFleet(database.db, { devices: DEVICES, versions: 2 });
    await database.db.updateTable('devices').set({ protocol_minor: 2 }).execute();
    now = 1_800_000_000_000;
    context = { ...database, publishDesired: async () => {}, onChange: () => undefined };
    intake = createIntake(database.db, database.dialect, () => undefined);
    devices = Array.from({ length: DEVICES }, (_, i) => new SimulatedDevice(deviceId(i)));
    await finish(await create(1));
  });

  afterEach(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });

  const by = () => ({ actor: 'token:test', now });
  const request = (version: number, change: Partial<RolloutRequest>): RolloutRequest => ({
    ...{ model: 'parts', version, waves: ['100%'], soakMs: 1000, maxSoakMs: 5000 },
    ...change,
  });
  const create = async (version: number, change: Partial<RolloutRequest> = {}) =>
    (await createRollout(database, FLEET, request(version, change), by())).id;
  const read = (id: string) => readRollout(database.db, FLEET, id);
  const members = async (id: string) => readMembers(database.db, await read(id));
  const slots = () => database.db.selectFrom('slots').selectAll().orderBy('device').execute();
  const sentences = async (id: string) =>
    (await viewEvents(database.db, await read(id), 100)).map(({ sentence }) => sentence);
  const advance = async (id: string) => {
    await advanceRollout(context, { fleet: FLEET, id }, { now, evidence: 'new' });
    now += 1000;
  };

  /** Lets devices take what is active, and the rollout come as far as it does by that. */
  const finish = async (id: string) => {
    for (let turn = 0; turn < 5; turn++) {
      await advance(id);
      for (const device of devices) {
        await device.sync(database.db);
        await device.step(database.db);
        for (const outcome of device.said.splice(0)) await intake.outcome(device.id, outcome, now);
      }
    }
    return id;
  };

  /** Every device commits the shadow that its slot names. */
  const runShadows = async () => {
    for (const { device, shadow } of await slots()) {
      if (shadow === '') continue;
      const said = { deployment: shadow, attempt: 1, result: 'RESULT_COMMITTED' } as const;
      const rest = { step: 'commit', code: '', detail: '', digest: '', slot: 'parts' };
      await intake.outcome(device, { ...said, ...rest, bytesDone: 0, bytesTotal: 0 }, now);
    }
  };

  const compared = (agreed: number, slower = 1): Comparison => ({
    ...{ compared: 200, agreed, skipped: 3, activeDigest: '' },
    disagreements: agreed === 200 ? [] : [{ active: 1, shadow: 2, count: 200 - agreed }],
    logLatencyRatio: { count: 200, mean: Math.log(slower), m2: 0.1, min: 0, max: 1 },
    confidenceChange: { count: 200, mean: 0, m2: 0.01, min: -0.1, max: 0.1 },
  });

  /** What each device computed with its shadow or its active model, in one window. */
  const telemetry = async (
    of: 'active' | 'shadow',
    fields: (device: string) => Partial<Window>,
  ) => {
    for (const slot of await slots()) {
      if (slot[of] === '') continue;
      const { digest } = await database.db
        .selectFrom('deployments')
        .select('digest')
        .where('deployment', '=', slot[of])
        .executeTakeFirstOrThrow();
      const role = of === 'active' ? 'ROLE_ACTIVE' : 'ROLE_SHADOW';
      const start = now - (now % 10_000) - 10_000;
      const { confidence = sure(200, 0.9), ...rest } = fields(slot.device);
      const known = { model: 'parts', version: of === 'active' ? 1 : 2, role } as const;
      const window = windowOf({ deployment: slot[of], digest }, start, {
        ...{ inferences: 200, ...known, confidence, ...rest },
      });
      const result = await intake.window(slot.device, window, now);
      expect(result).toMatchObject({ stored: true });
    }
    now += 10_000;
  };

  const shadow = async (change: Partial<RolloutRequest> = {}) => {
    const id = await create(2, { ...SHADOW, ...change });
    await advance(id);
    await advance(id);
    await runShadows();
    return id;
  };

  it('run a shadow beside what serves, say how it does, and are promoted by a person', async () => {
    const id = await shadow();
    const before = await slots();
    expect(before.every(({ active, shadow }) => active !== '' && shadow !== '')).toBe(true);
    const orders = await database.db
      .selectFrom('deployments')
      .select(['role', 'purpose', 'version'])
      .where('rollout', '=', id)
      .execute();
    expect(orders).toEqual(Array(4).fill({ role: 'shadow', purpose: 'compare', version: 2 }));
    await telemetry('shadow', () => ({ comparison: compared(196, 1.5) }));
    for (let turn = 0; turn < 5; turn++) await advance(id);
    expect(await read(id)).toMatchObject({ state: 'running', kind: 'shadow' });
    const { sentence, ...result } = await compareShadows(database.db, await read(id), now);
    expect(result).toMatchObject({
      ...{ devices: 4, compared: 800, agreed: 784, skipped: 12, agreement: 0.98 },
      disagreements: [{ active: 1, shadow: 2, count: 16 }],
    });
    expect(result.latencyRatio.value).toBeCloseTo(1.5, 5);
    expect(sentence).toBe(
      'the shadow agrees on 98% of 800 inferences on 4 devices, at 1.5 × the run time',
    );

    const update = await promoteRollout(database, { fleet: FLEET, id }, by());
    expect(update).toMatchObject({ kind: 'update', parent: id, state: 'running' });
    expect(await read(id)).toMatchObject({ state: 'done' });
    expect((await promoteRollout(database, { fleet: FLEET, id }, by())).id).toBe(update.id);
    for (let turn = 0; turn < 2; turn++) await finish(update.id);
    expect(await read(update.id)).toMatchObject({ state: 'done' });
    expect((await slots()).map((slot) => slot.shadow)).toEqual(['', '', '', '']);
    expect(devices.map(({ running }) => running?.version)).toEqual([2, 2, 2, 2]);
  });

  it('become an update by their gates, once enough was compared', async () => {
    const id = await shadow({ promote: 'gate' });
    for (let turn = 0; turn < 4; turn++) await advance(id);
    expect(await read(id)).toMatchObject({ state: 'running' });
    await telemetry('shadow', () => ({ comparison: compared(200) }));
    for (let turn = 0; turn < 8; turn++) await advance(id);
    expect(await read(id)).toMatchObject({ state: 'done' });
    const [newest] = await listRollouts(database.db, FLEET, { limit: 1 });
    expect(newest).toMatchObject({ parent: id, kind: 'update' });
    expect((await sentences(id)).at(-1)).toBe(
      `promoted by gate: rollout ${newest!.id} updates its devices`,
    );
  });

  it('take their shadows away when a gate closes, a person aborts, or the time is over', async () => {
    const withoutShadow = async () => {
      const after = await slots();
      expect(after.map((slot) => slot.shadow)).toEqual(['', '', '', '']);
      expect(after.map(({ active }) => active)).toEqual(active);
    };
    const active = (await slots()).map((slot) => slot.active);
    const bad = await shadow();
    for (let i = 0; i < 3; i++) {
      await telemetry('shadow', () => ({ comparison: compared(100) }));
      await advance(bad);
    }
    for (let turn = 0; turn < 3; turn++) await advance(bad);
    expect(await read(bad)).toMatchObject({ state: 'rolled-back', haltedBy: 'disagreement' });
    await withoutShadow();

    const aborted = await shadow();
    await changeRollout(database, { fleet: FLEET, id: aborted }, 'abort', by());
    for (let turn = 0; turn < 3; turn++) await advance(aborted);
    expect(await read(aborted)).toMatchObject({ state: 'aborted' });
    await withoutShadow();

    const late = await shadow();
    await changeRollout(database, { fleet: FLEET, id: late }, 'pause', by());
    now += 48 * HOUR;
    for (let turn = 0; turn < 3; turn++) await advance(late);
    expect(await read(late)).toMatchObject({
      state: 'done',
      sentence: expect.stringContaining(
        'its time of 48 hours was over before a person promoted it',
      ),
    });
    await withoutShadow();
    expect(devices.map(({ running }) => running?.version)).toEqual([1, 1, 1, 1]);
  });

  it('are over in time though a device is away, counted from their start', async () => {
    const id = await create(2, { ...SHADOW, startMs: now + 100 * HOUR });
    now += 100 * HOUR;
    for (let turn = 0; turn < 3; turn++) await advance(id);
    expect((await slots()).every(({ shadow }) => shadow !== '')).toBe(true);
    expect(await read(id)).toMatchObject({ state: 'running', wave: 0 });
    now += 48 * HOUR;
    await database.db
      .updateTable('rollout_members')
      .set({ due_ms: now + HOUR })
      .execute();
    for (let turn = 0; turn < 2; turn++) await advance(id);
    expect(await read(id)).toMatchObject({ state: 'done' });
    expect((await sentences(id)).at(-1)).toMatch(
      /^done: its time of 48 hours was over before a person promoted it: 4 of 4 gates open$/,
    );
  });

  it('are promoted on the devices that no other rollout took over, with all gates', async () => {
    const id = await create(2, { ...SHADOW, waves: ['1', '100%'], soakMs: HOUR, maxSoakMs: HOUR });
    await advance(id);
    const first = (await members(id)).find(({ position }) => position === 0)!.device;
    const taken = (await members(id)).find(({ device }) => device !== first)!.device;
    const index = devices.findIndex((device) => device.id === taken);
    await create(2, { priority: 9, devices: `name='device ${index}'` });
    const { id: update } = await promoteRollout(database, { fleet: FLEET, id }, by());
    const updated = (await members(update)).map(({ device }) => device);
    expect(updated).toHaveLength(3);
    expect(updated).not.toContain(taken);
    expect((await read(update)).settings.gates.disabled).toEqual([]);
    // the first was asked, and nothing is heard of it any more
    const states = new Set((await members(id)).map(({ state }) => state));
    expect(states).toEqual(new Set(['withdrawn']));
  });

  it('leave out devices that cannot run a shadow, or run nothing to compare with', async () => {
    const { db } = database;
    await db
      .updateTable('devices')
      .set({ protocol_minor: 1 })
      .where('device', '=', deviceId(0))
      .execute();
    await db.deleteFrom('slots').where('device', '=', deviceId(1)).execute();
    const draft = await draftRollout(database, FLEET, request(2, SHADOW), now);
    const reason = (i: number) => draft.members.find(({ device }) => device === deviceId(i));
    expect(draft.sizes).toEqual([2]);
    expect(reason(0)).toMatchObject({
      state: 'unsuitable',
      reason: expect.stringMatching(/speaks protocol 1\.1 and runs shadows from 1\.2 on/),
    });
    expect(reason(1)).toMatchObject({
      state: 'unsuitable',
      reason: 'runs nothing in slot parts that the version could be compared with',
    });
    await expect(create(2, { shadow: {} })).rejects.toThrow(/of rollouts of kind shadow/);
    await expect(create(2, { kind: 'ab', shadow: {} })).rejects.toThrow(/of kind ab/);
  });

  const armsOf = async (id: string) => {
    const rows = await members(id);
    const named = (arm: string) =>
      rows.filter((row) => row.arm === arm).map(({ device }) => device);
    return { control: named('control'), candidate: named('candidate') };
  };
  const versions = (some: readonly string[]) =>
    some.map((id) => devices.find((device) => device.id === id)?.running?.version);

  it('give the version to one arm, compare both, and go on to the other when promoted', async () => {
    const id = await create(2, { kind: 'ab', ab: { sharePercent: 50 } });
    const { control, candidate } = await armsOf(id);
    expect([control.length, candidate.length]).toEqual([2, 2]);
    await expect(create(2)).rejects.toThrow(/still holds slot parts on 4 of these devices/);
    await finish(id);
    expect(versions(control)).toEqual([1, 1]);
    expect(versions(candidate)).toEqual([2, 2]);
    await telemetry('active', (device) => ({
      errors: control.includes(device) ? 0 : 4,
      latencyUs: sketchOf(200, control.includes(device) ? 1000 : 4000),
      confidence: sure(200, control.includes(device) ? 0.8 : 0.9),
      version: control.includes(device) ? 1 : 2,
    }));
    const { metrics, sentence } = await compareArms(database.db, await read(id), now);
    const found = Object.fromEntries(metrics.map((one) => [one.metric, one]));
    expect(found.confidence).toMatchObject({ a: 0.8, b: 0.9, devices: { a: 2, b: 2 } });
    expect(found.errors?.difference.value).toBeCloseTo(0.02);
    expect(found.latency?.a, 'in ms').toBeCloseTo(1, 1);
    expect(found.latency?.b).toBeCloseTo(4, 1);
    expect(found.latency?.difference.value, 'with 2 ms added to both').toBeCloseTo(2, 1);
    expect(sentence).toMatch(/^B against A on 2 and 2 devices: latency 2\.01 ×, errors \+2%/);

    const promoted = await promoteRollout(database, { fleet: FLEET, id }, by());
    expect(promoted).toMatchObject({ id, kind: 'update', sizes: [2, 4] });
    expect((await promoteRollout(database, { fleet: FLEET, id }, by())).sizes).toEqual([2, 4]);
    const after = await compareArms(database.db, promoted, now);
    expect(after.sentence).toMatch(/^it was promoted: arm A gets the version too/);
    await finish(id);
    await finish(id);
    expect(versions([...control, ...candidate])).toEqual([2, 2, 2, 2]);
    expect(await read(id)).toMatchObject({ state: 'done' });
    await expect(
      promoteRollout(database, { fleet: FLEET, id: await create1() }, by()),
    ).rejects.toThrow(/only shadow and A\/B rollouts are promoted/);
  });
  const create1 = () => create(1);

  it('bring the candidate arm back when a person aborts, or nobody decides', async () => {
    for (const end of ['abort', 'time'] as const) {
      const id = await create(2, { kind: 'ab', ab: { maxHours: 24 } });
      const { control, candidate } = await armsOf(id);
      await finish(id);
      expect(versions(candidate)).toEqual([2, 2]);
      if (end === 'abort') await changeRollout(database, { fleet: FLEET, id }, 'abort', by());
      else {
        await changeRollout(database, { fleet: FLEET, id }, 'pause', by());
        now += 24 * HOUR;
      }
      await finish(id);
      expect(await read(id)).toMatchObject(
        end === 'abort'
          ? { state: 'aborted', haltedBy: 'operator' }
          : { state: 'rolled-back', haltedBy: 'time' },
      );
      expect((await sentences(id)).filter((one) => one.startsWith('halted'))).toEqual([
        end === 'abort'
          ? 'halted by operator: aborted by token:test'
          : expect.stringMatching(
              /^halted: its time of 24 hours was over before a person promoted/,
            ),
      ]);
      expect(versions([...control, ...candidate])).toEqual([1, 1, 1, 1]);
    }
  });
});
