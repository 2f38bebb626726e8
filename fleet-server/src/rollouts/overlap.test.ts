import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPostgres } from '../../../test/support/postgres.ts';
import { createChanges } from '../changes.ts';
import { insertRows } from '../db/insert-rows.ts';
import { type OpenDatabase, openDatabase } from '../db/open.ts';
import { type AdvanceContext, advanceRollout } from './advance.ts';
import { approveRollout } from './approve.ts';
import { changeRollout } from './change.ts';
import { createRollout } from './create.ts';
import { joinLate } from './join.ts';
import { createJoiner } from './joiner.ts';
import { readMembers } from './members.ts';
import { HELD } from './overlap.ts';
import type { RolloutRequest } from './settings.ts';
import { readRollout, unfinishedRollouts } from './store.ts';
import {
  createIntake,
  deviceId,
  digestOf,
  FLEET,
  SimulatedDevice,
  seedDevice,
  seedFleet,
} from './testing.ts';

const postgres = await startPostgres();
afterAll(() => postgres?.stop());

const KINDS = postgres === undefined ? (['sqlite'] as const) : (['sqlite', 'postgres'] as const);
const DEVICES = 4;

describe.each(KINDS)('rollouts beside each other on %s', (kind) => {
  let folder: string;
  let database: OpenDatabase;
  let context: AdvanceContext;
  let intake: ReturnType<typeof createIntake>;
  let devices: SimulatedDevice[];
  let now: number;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-overlap-'));
    database = await openDatabase(
      kind === 'sqlite'
        ? { kind, file: join(folder, 'fleet.db') }
        : { kind, url: await postgres!.createDatabase() },
    );
    await seedFleet(database.db, { devices: DEVICES, versions: 3 });
    now = 1_800_000_000_000;
    context = {
      ...database,
      publishDesired: async () => undefined,
      onChange: () => undefined,
    };
    intake = createIntake(database.db, database.dialect, () => undefined);
    devices = Array.from({ length: DEVICES }, (_, i) => new SimulatedDevice(deviceId(i)));
  });

  afterEach(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });

  const create = async (version: number, change: Partial<RolloutRequest> = {}) => {
    const request = { model: 'parts', version, waves: ['1', '100%'], soakMs: 1000, ...change };
    const by = { actor: 'token:test', now };
    return (await createRollout(database, FLEET, request, by)).id;
  };
  const advance = (id: string) =>
    advanceRollout(context, { fleet: FLEET, id }, { now, evidence: 'new' });
  const read = (id: string) => readRollout(database.db, FLEET, id);
  const states = async (id: string) =>
    (await readMembers(database.db, await read(id))).map(({ state }) => state);
  const events = async (id: string) =>
    (
      await database.db
        .selectFrom('rollout_events')
        .select('sentence')
        .where('rollout', '=', id)
        .orderBy('event')
        .execute()
    ).map(({ sentence }) => sentence);

  /** Lets every device take its desired state, end its attempt and be heard. */
  const settle = async (id: string, ms = 0) => {
    now += ms;
    await advance(id);
    for (const device of devices) {
      await device.sync(database.db);
      await device.step(database.db);
      for (const outcome of device.said.splice(0)) await intake.outcome(device.id, outcome, now);
    }
    await advance(id);
  };

  it('lets a higher priority have the devices that were not asked, and the others when they are free', async () => {
    const first = await create(2);
    await advance(first);
    await expect(create(3)).rejects.toThrow(`rollout ${first} still holds slot parts on 4`);
    const urgent = await create(3, { priority: 9, waves: ['100%'] });
    expect(await states(first)).toEqual(['sent', 'withdrawn', 'withdrawn', 'withdrawn']);
    expect(await events(first)).toContain(`rollout ${urgent} (priority 9) took 3 devices over`);
    expect((await states(urgent)).sort()).toEqual(['pending', 'pending', 'pending', 'withdrawn']);
    expect(await events(urgent)).toContain(
      `1 device stays with rollout ${first}, which has asked already`,
    );
    await settle(urgent);
    expect((await states(urgent)).sort()).toEqual([
      'committed',
      'committed',
      'committed',
      'withdrawn',
    ]);
    await settle(first);
    for (let turn = 0; turn < 4; turn++) await settle(first, 5000);
    expect((await read(first)).state).toBe('done');
    expect(await joinLate(database, await read(urgent), [], now)).toBe(true);
    await settle(urgent);
    expect(await states(urgent)).toEqual(['committed', 'committed', 'committed', 'committed']);
    expect(devices.map(({ running }) => running?.version)).toEqual([3, 3, 3, 3]);
  });

  it('asks a device that is free again, however many before it are still held, and once where two servers look', async () => {
    const id = await create(2);
    const { db, dialect } = database;
    const member = (await readMembers(db, await read(id))).at(-1)!;
    const held = Array.from({ length: 500 }, (_, i) => ({ device: deviceId(100 + i) }));
    const { device, ...common } = { ...member, state: 'withdrawn', code: HELD, position: 0 };
    await insertRows(dialect, db, 'rollout_members', common, held);
    const claimed = { fleet: FLEET, slot: 'parts', rollout: 'other' };
    await insertRows(dialect, db, 'rollout_claims', claimed, held);
    await db
      .updateTable('rollout_members')
      .set({ state: 'withdrawn', code: HELD })
      .where('device', '=', device)
      .execute();
    await db.deleteFrom('rollout_claims').where('device', '=', device).execute();
    const rollout = await read(id);
    const looks = await Promise.all([1, 2].map(() => joinLate(database, rollout, [], now)));
    expect(looks.sort()).toEqual([false, true]);
    const waiting = (await readMembers(db, rollout)).filter(({ state }) => state === 'withdrawn');
    expect(waiting).toHaveLength(500);
    expect(waiting.map((one) => one.device)).not.toContain(device);
  });

  it('refuses a higher priority where there is nothing to take over', async () => {
    const first = await create(2, { waves: ['100%'] });
    await advance(first);
    await expect(create(3, { priority: 9 })).rejects.toThrow('still holds slot parts on 4');
  });

  it('has at once the devices that a halted rollout takes back, in place of the way back', async () => {
    const first = await create(2);
    await settle(first);
    const by = { actor: 'token:boss', now };
    await changeRollout(database, { fleet: FLEET, id: first }, 'abort', by);
    await advance(first);
    expect((await read(first)).state).toBe('halted');
    const next = await create(3, { waves: ['100%'] });
    await advance(next);
    await settle(first);
    expect((await read(first)).state).toBe('aborted');
    await settle(next);
    expect(await states(next)).toEqual(Array(DEVICES).fill('committed'));
    expect(devices.map(({ running }) => running?.version)).toEqual(Array(DEVICES).fill(3));
  });

  it('asks the devices that others hold last, so that its first wave is not empty', async () => {
    const first = await create(2, { waves: ['2', '100%'] });
    await settle(first);
    const asked = (await readMembers(database.db, await read(first))).slice(0, 2);
    const urgent = await create(3, { priority: 6, waves: ['2', '100%'] });
    const order = await readMembers(database.db, await read(urgent));
    expect(order.map(({ state }) => state)).toEqual([
      'pending',
      'pending',
      'withdrawn',
      'withdrawn',
    ]);
    expect(
      order
        .slice(2)
        .map(({ device }) => device)
        .sort(),
    ).toEqual(asked.map(({ device }) => device).sort());
    expect(order.map(({ position }) => position)).toEqual([0, 1, 2, 3]);
  });

  it('takes late devices into the last wave, once, and only while it runs', async () => {
    const id = await create(2, { devices: 'site=lyon', waves: ['1', '100%'] });
    expect((await read(id)).sizes).toEqual([1, 2]);
    expect(await joinLate(database, await read(id), undefined, now)).toBe(false);
    await seedDevice(database.db, 10, 'x86-64');
    await seedDevice(database.db, 11, 'x86-64');
    const [even, odd] = [deviceId(10), deviceId(11)];
    expect(await joinLate(database, await read(id), [odd, deviceId(0)], now)).toBe(false);
    expect(await joinLate(database, await read(id), [even, odd], now)).toBe(true);
    expect(await joinLate(database, await read(id), [even, odd], now)).toBe(false);
    expect((await read(id)).sizes).toEqual([1, 3]);
    const late = (await readMembers(database.db, await read(id))).at(-1);
    expect(late).toMatchObject({ device: even, position: 2, state: 'pending' });
    expect(late?.stratum).toBe('x86-64 / lyon');
    expect(await events(id)).toContain('1 device joined the last wave: device 10');
    await expect(create(3, { devices: `id=${even}` })).rejects.toThrow(`rollout ${id} still holds`);
    devices.push(new SimulatedDevice(even));
    for (let turn = 0; turn < 4; turn++) await settle(id, 5000);
    expect((await read(id)).state).toBe('done');
    await seedDevice(database.db, 12, 'x86-64');
    expect(await joinLate(database, await read(id), undefined, now)).toBe(false);
  });

  it('lets nobody join where that is switched off', async () => {
    const id = await create(2, { dynamic: false });
    await seedDevice(database.db, 10, 'x86-64');
    expect(await joinLate(database, await read(id), undefined, now)).toBe(false);
  });

  it('joins devices to one though the selector of another cannot be read any more', async () => {
    const broken = await create(2, { devices: 'site=lyon' });
    const sound = await create(2, { devices: 'site=metz' });
    await database.db
      .updateTable('rollouts')
      .set({ selector: 'group=gone' })
      .where('rollout', '=', broken)
      .execute();
    await seedDevice(database.db, 11, 'x86-64');
    const parts = { ...context, now: () => now, log: pino({ level: 'silent' }) };
    const joiner = createJoiner({ ...parts, changes: createChanges('here') });
    await joiner.join(await unfinishedRollouts(database.db));
    joiner.stop();
    expect((await read(broken)).sizes.at(-1)).toBe(2);
    expect((await read(sound)).sizes.at(-1)).toBe(3);
  });

  it('fails a device that says that it runs something else than it reported, until it says it does', async () => {
    const id = await create(2, { waves: ['100%'], gates: { disabled: ['activations'] } });
    await settle(id);
    const liar = devices[0]!;
    const member = async () =>
      (await readMembers(database.db, await read(id))).find(({ device }) => device === liar.id);
    const { deployment, attempt, digest } = (await member())!;
    const outcome = {
      ...{ deployment, attempt, digest, result: 'RESULT_COMMITTED' as const, step: 'commit' },
      ...{ slot: 'parts', code: '', detail: '', bytesDone: 0, bytesTotal: 0 },
    };
    const active = (runs: string) => [
      {
        ...{ deployment, attempt, slot: 'parts', model: 'parts', version: 2, precision: 'fp32' },
        digest: runs,
      },
    ];
    // on its way since before the commit: it names no outcome, and comes soon after
    await intake.running(liar.id, { active: active(digestOf('old')), outcomes: [] }, now);
    expect(await member()).toMatchObject({ state: 'committed' });
    const { ended_ms } = (await member())!;
    now += 1000;
    await intake.running(liar.id, { active: active(digestOf('old')), outcomes: [outcome] }, now);
    expect(await member(), 'the soak is not begun anew').toMatchObject({
      ended_ms,
      state: 'failed',
      code: 'deployment.not-running',
      detail: `the device said that it committed the bundle, and now says that slot parts runs ${digestOf('old')}`,
    });
    await intake.running(liar.id, { active: active(digest), outcomes: [outcome] }, now);
    expect(await member()).toMatchObject({ state: 'committed', code: '' });
    await intake.running(liar.id, { active: [], outcomes: [] }, now + 60_001);
    expect(await member()).toMatchObject({ state: 'failed', code: 'deployment.not-running' });
  });

  it('opens no wave that an approver has not approved, however often one is asked for', async () => {
    const id = await create(2, { approval: 'each' });
    const by = { actor: 'token:boss', now };
    const approve = async (wave?: number) =>
      (await approveRollout(database, { fleet: FLEET, id }, { ...by, wave })).answer;
    await settle(id, 1000);
    expect((await read(id)).wave).toBe(-1);
    await expect(approve(2)).rejects.toThrow('approve that one first');
    expect(await approve()).toBe('wave 1 of 2 of parts@2 is approved');
    expect(await approve()).toBe('wave 1 of 2 of parts@2 is approved already');
    // the same again once the wave has opened, and is at work
    await advance(id);
    expect(await approve()).toBe('wave 1 of 2 of parts@2 is approved already');
    expect(await approve(1)).toBe('wave 1 of 2 of parts@2 is approved already');
    for (let turn = 0; turn < 3; turn++) await settle(id, 20_000);
    expect(await read(id)).toMatchObject({ wave: 0, approvedWaves: 1, state: 'running' });
    expect(await approve()).toBe('wave 2 of 2 of parts@2 is approved');
    await expect(approve(3)).rejects.toThrow('there is no wave 3: the rollout has 2');
    for (let turn = 0; turn < 3; turn++) await settle(id, 20_000);
    expect(await read(id)).toMatchObject({ state: 'done', approvedWaves: 2 });
    expect(await events(id)).toContain('wave 2 of 2 approved by token:boss');
    await expect(approveRollout(database, { fleet: FLEET, id }, by)).rejects.toThrow(
      `rollout ${id} cannot be approved: it is done`,
    );
  });

  it('asks devices in their hours and at its rate', async () => {
    now = Date.parse('2027-01-12T12:00:00Z');
    const zones = ['Europe/Paris', 'Asia/Tokyo', '', 'Europe/Paris'];
    for (const [i, time_zone] of zones.entries()) {
      await database.db
        .updateTable('devices')
        .set({ time_zone })
        .where('device', '=', deviceId(i))
        .execute();
    }
    const maintenance = [{ from: '02:00', to: '04:00' }];
    const id = await create(2, { waves: ['100%'], maintenance, rate: { perMinute: 1 } });
    const asked = async () =>
      (await readMembers(database.db, await read(id)))
        .filter(({ attempt }) => attempt > 0)
        .map(({ device }) => devices.findIndex((one) => one.id === device))
        .sort();
    await advance(id);
    expect(await asked()).toEqual([]);
    now = Date.parse('2027-01-12T18:00:00Z');
    await advance(id);
    expect(await asked(), 'three at night in Tokyo').toEqual([1]);
    now = Date.parse('2027-01-13T01:30:00Z');
    await advance(id);
    expect((await asked()).length, 'one a minute in Paris').toBe(2);
    now += 60_000;
    await advance(id);
    expect(await asked()).toEqual([0, 1, 3]);
    const rows = await database.db.selectFrom('deployments').select('not_after_ms').execute();
    expect(new Set(rows.map(({ not_after_ms }) => not_after_ms))).toEqual(
      new Set([Date.parse('2027-01-12T19:00:00Z'), Date.parse('2027-01-13T03:00:00Z')]),
    );
    now = Date.parse('2027-01-13T02:30:00Z');
    await advance(id);
    expect(await asked()).toEqual([0, 1, 2, 3]);
  });
});
