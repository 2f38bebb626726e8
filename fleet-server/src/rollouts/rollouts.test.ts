import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ERRORS } from '@flotilla/protocol';
import { pino } from 'pino';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPostgres } from '../../../test/support/postgres.ts';
import { type OpenDatabase, openDatabase } from '../db/open.ts';
import { listedTargets } from '../trust/metadata-store.ts';
import { type AdvanceContext, advanceRollout } from './advance.ts';
import { changeRollout } from './change.ts';
import { createRollout, draftRollout } from './create.ts';
import { gatherEvidence } from './evidence.ts';
import { executeAction } from './execute.ts';
import { readMembers } from './members.ts';
import { createPublisher } from './publisher.ts';
import type { RolloutRequest } from './settings.ts';
import { type MemberRow, readRollout } from './store.ts';
import {
  createIntake,
  deviceId,
  digestOf,
  FLEET,
  healthy,
  SimulatedDevice,
  seedDevice,
  seedFleet,
  seedVersion,
  sure,
  windowOf,
} from './testing.ts';

const postgres = await startPostgres();
afterAll(() => postgres?.stop());

const KINDS = postgres === undefined ? (['sqlite'] as const) : (['sqlite', 'postgres'] as const);
const DEVICES = 4;
const silent = pino({ level: 'silent' });

describe.each(KINDS)('a rollout on %s', (kind) => {
  let folder: string;
  let database: OpenDatabase;
  let context: AdvanceContext;
  let intake: ReturnType<typeof createIntake>;
  let devices: SimulatedDevice[];
  let published: string[];
  let now: number;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-rollouts-'));
    database = await openDatabase(
      kind === 'sqlite'
        ? { kind, file: join(folder, 'fleet.db') }
        : { kind, url: await postgres!.createDatabase() },
    );
    await seedFleet(database.db, { devices: DEVICES, versions: 3 });
    published = [];
    now = 1_800_000_000_000;
    context = {
      ...database,
      publishDesired: async (_fleet, device) => void published.push(device),
      onChange: () => undefined,
    };
    intake = createIntake(database.db, database.dialect, () => undefined);
    devices = Array.from({ length: DEVICES }, (_, i) => new SimulatedDevice(deviceId(i)));
  });

  afterEach(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });

  const request = (version: number, change: Partial<RolloutRequest> = {}): RolloutRequest => ({
    model: 'parts',
    version,
    waves: ['1', '100%'],
    soakMs: 1000,
    maxSoakMs: 5000,
    watchMs: 100,
    deadlineMs: 60_000,
    retryMs: 10,
    ...change,
  });

  const create = async (version: number, change: Partial<RolloutRequest> = {}) => {
    const by = { actor: 'token:test', now };
    const { id } = await createRollout(database, FLEET, request(version, change), by);
    return id;
  };

  const advance = (id: string) =>
    advanceRollout(context, { fleet: FLEET, id }, { now, evidence: 'new' });
  const read = (id: string) => readRollout(database.db, FLEET, id);
  const members = async (id: string) => readMembers(database.db, await read(id));
  const states = (rows: readonly MemberRow[]) => rows.map(({ state }) => state);

  /** Lets every device take its desired state, end its attempt and be heard. */
  const settle = async (id: string) => {
    await advance(id);
    for (const device of devices) {
      await device.sync(database.db);
      await device.step(database.db);
      for (const outcome of device.said.splice(0)) await intake.outcome(device.id, outcome, now);
    }
    await advance(id);
  };

  const complete = async (version: number, change: Partial<RolloutRequest> = {}) => {
    const id = await create(version, change);
    for (let turn = 0; turn < 6; turn++) {
      await settle(id);
      now += 1000;
    }
    return id;
  };

  it('goes out wave by wave, soaks, and lets go of the version before', async () => {
    const first = await complete(1);
    expect(await read(first)).toMatchObject({ state: 'done', wave: 1 });
    const id = await create(2);
    await settle(id);
    expect(states(await members(id))).toEqual(['committed', 'pending', 'pending', 'pending']);
    now += 999;
    await settle(id);
    expect((await read(id)).wave).toBe(0);
    now += 4001;
    await settle(id);
    expect((await read(id)).wave).toBe(1);
    const slots = await database.db.selectFrom('slots').selectAll().execute();
    expect(slots.every(({ previous }) => previous !== '')).toBe(true);
    published = [];
    now += 5000;
    await settle(id);
    expect(await read(id)).toMatchObject({ state: 'done', endedMs: now });
    expect(devices.map(({ running }) => running?.version)).toEqual([2, 2, 2, 2]);
    const after = await database.db.selectFrom('slots').selectAll().execute();
    expect(after.every(({ previous }) => previous === '')).toBe(true);
    expect(published.sort()).toEqual(devices.map((device) => device.id));
  });

  it('halts on failed activations and takes every device back', async () => {
    await complete(1);
    const id = await create(2, { waves: ['50%', '100%'] });
    const canaries = (await members(id)).slice(0, 2).map(({ device }) => device);
    for (const device of devices) {
      if (device.id !== canaries[0]) continue;
      device.behavior = (version) =>
        version === 2 ? { result: 'RESULT_ROLLED_BACK', code: 'watch.unhealthy' } : healthy(1, 1);
    }
    await settle(id);
    const halted = await read(id);
    expect(halted).toMatchObject({ state: 'halted', haltedBy: 'activations' });
    expect(halted.sentence).toBe(
      '1 of 2 devices failed to activate, most often watch.unhealthy (50%, at most 5% of all 4 tolerated): closed',
    );
    await settle(id);
    expect(await read(id)).toMatchObject({ state: 'rolled-back' });
    expect(devices.map(({ running }) => running?.version)).toEqual([1, 1, 1, 1]);
    expect(states(await members(id)).slice(2)).toEqual(['withdrawn', 'withdrawn']);
    expect((await create(3)).length).toBe(26);
  });

  it('halts when confidence falls on the same devices, though the activation was clean', async () => {
    await complete(1);
    for (const device of devices) {
      const window = windowOf(device.running!, 1_799_999_990_000, {
        inferences: 200,
        confidence: sure(200, 0.93),
      });
      expect(await intake.window(device.id, window, now)).toMatchObject({ stored: true });
    }
    const id = await create(3);
    await settle(id);
    now += 3000;
    await settle(id);
    expect(await read(id)).toMatchObject({ state: 'running', wave: 0 });
    const [canary] = await members(id);
    const running = devices.find((device) => device.id === canary?.device)?.running;
    const window = windowOf(running!, 1_800_000_000_000, {
      inferences: 184,
      confidence: sure(184, 0.61),
    });
    await intake.window(canary!.device, window, now);
    await advance(id);
    expect(await read(id)).toMatchObject({
      state: 'halted',
      haltedBy: 'confidence',
      sentence:
        'confidence fell from 0.93 to 0.61 over 184 inferences on 1 device (a fall of 0.05 tolerated, error rate 0.00025): closed',
    });
    await settle(id);
    expect((await read(id)).state).toBe('rolled-back');
    expect(devices.map((device) => device.running?.digest)).toEqual(
      devices.map(() => digestOf('x86-64-1')),
    );
    const later = devices.find((device) => device.id === canary?.device)?.running;
    const since = windowOf(later!, 1_800_000_000_000, {
      inferences: 500,
      confidence: sure(500, 0.5),
    });
    expect(await intake.window(canary!.device, since, now)).toMatchObject({ stored: true });
    const { pairs } = await gatherEvidence(database.db, await read(id), now);
    expect(pairs[0]?.baseline.confidence.mean, 'before the rollout').toBeCloseTo(0.93);
    const again = await create(2, { waves: ['100%'] });
    await settle(again);
    const back = (await members(again)).find(({ device }) => device === canary?.device);
    expect(back?.base_version).toBe(1);
  });

  it('empties the slot where there was nothing before', async () => {
    const id = await create(1, { waves: ['100%'] });
    await settle(id);
    expect(devices.every(({ running }) => running?.version === 1)).toBe(true);
    await changeRollout(database, { fleet: FLEET, id }, 'abort', { actor: 'token:test', now });
    await advance(id);
    expect((await read(id)).state).toBe('halted');
    await settle(id);
    expect(await read(id)).toMatchObject({ state: 'aborted', sentence: 'aborted by token:test' });
    expect(devices.every(({ running }) => running === undefined)).toBe(true);
  });

  it('leaves no device asked once it has ended, though some never took it up', async () => {
    const id = await create(1, { waves: ['100%'] });
    await advance(id);
    expect(states(await members(id))).toEqual(['sent', 'sent', 'sent', 'sent']);
    await changeRollout(database, { fleet: FLEET, id }, 'abort', { actor: 'token:test', now });
    await settle(id);
    expect((await read(id)).state).toBe('aborted');
    expect(states(await members(id))).toEqual(Array(4).fill('withdrawn'));
  });

  it('does not wait for a removal where nothing was ever installed', async () => {
    for (const device of devices) {
      device.behavior = () => ({ result: 'RESULT_FAILED', code: 'selftest.failed' });
    }
    const id = await create(1);
    await settle(id);
    expect((await read(id)).state).toBe('rolled-back');
  });

  it('tries a passing failure again under a new attempt, and not a lasting one', async () => {
    const passing = Object.entries(ERRORS).find(([, row]) => row.retryable)?.[0] ?? '';
    for (const device of devices) {
      device.behavior = (_version, attempt) =>
        attempt === 1 ? { result: 'RESULT_FAILED', code: passing } : healthy(1, 2);
    }
    const id = await create(1, { waves: ['100%'] });
    await settle(id);
    expect(states(await members(id))).toEqual(['failed', 'failed', 'failed', 'failed']);
    expect((await read(id)).state).toBe('running');
    now += 10;
    await settle(id);
    const rows = await members(id);
    expect(rows.map(({ state, attempt }) => `${state} ${attempt}`)).toEqual(
      devices.map(() => 'committed 2'),
    );
  });

  it('refuses a second rollout on the same devices in one line, and says what a dry run would do', async () => {
    const id = await create(1, { devices: 'site=lyon' });
    await expect(create(2)).rejects.toThrow(
      `rollout ${id} still holds slot parts on 2 of these devices: wait until it has ended or abort it`,
    );
    const draft = await draftRollout(database, FLEET, request(2), now);
    expect(draft.sizes).toEqual([1, 4]);
    expect(draft.members.every(({ reason }) => reason.length > 0)).toBe(true);
    expect(draft.warnings).toEqual(['all matches every device of fleet main, all 4 of them']);
    const some = await draftRollout(database, FLEET, request(2, { devices: 'site=lyon' }), now);
    expect(some.warnings).toEqual([]);
    await expect(create(2, { devices: 'site=metz' })).resolves.toHaveLength(26);
    await expect(create(2, { devices: 'site=brest' })).rejects.toThrow('no accepted device');
    await expect(create(9)).rejects.toThrow('there is no version parts@9');
    const listed = await listedTargets(database.db, FLEET);
    expect(await listedTargets(database.db, FLEET), 'parsed once').toBe(listed);
    const newer = { fleet: FLEET, role: 'targets', version: 1000, expires_ms: 4e12 } as const;
    await database.db
      .insertInto('tuf_metadata')
      .values({ ...newer, body: '{"signed":{"targets":{}}}' })
      .execute();
    await expect(create(3)).rejects.toThrow(
      'parts@3 is not signed: the targets metadata of fleet main does not list its variant fp32 for x86-64, and devices would refuse it: push the model again',
    );
    await database.db.deleteFrom('variants').where('version', '=', 3).execute();
    await expect(create(3)).rejects.toThrow('parts@3 has no variants: push the model again');
    const status = (status: 'building' | 'failed') =>
      database.db.updateTable('versions').set({ status }).where('version', '=', 2).execute();
    await status('building');
    await expect(create(2)).rejects.toThrow(
      'parts@2 is not built yet: wait until its build has ended',
    );
    await status('failed');
    await expect(create(2)).rejects.toThrow(
      'parts@2 is not built, for its build failed: push the model again',
    );
    await expect(create(1, { devices: 'site=' })).rejects.toThrow('at character 6');
  });

  it('leaves out devices that no variant suits and those that run it already', async () => {
    await complete(1, { devices: `id=${deviceId(0)}` });
    await seedDevice(database.db, 90, 'jetson-nano');
    const id = await create(1);
    const rows = await members(id);
    expect(states(rows)).toEqual(['unchanged', 'unsuitable', 'pending', 'pending', 'pending']);
    expect(rows[1]?.reason).toContain('No jetson-nano variant was built');
    const both = `id in (${deviceId(0)}, ${deviceId(90)})`;
    await expect(create(1, { devices: both })).rejects.toThrow(
      '1 of 2 devices run parts@1 already, and no variant suits the other one',
    );
    await seedVersion(database.db, 4, ['jetson-nano']);
    await expect(create(4, { devices: 'target=x86-64' })).rejects.toThrow(
      'no variant of parts@4 suits any of 4 devices',
    );
  });

  it('does not wait for a device that is away, and still takes its late word', async () => {
    const id = await create(1, { waves: ['1', '100%'], deadlineMs: 2000 });
    await advance(id);
    const [canary] = await members(id);
    now += 2000;
    await advance(id);
    expect(states(await members(id)).slice(0, 1)).toEqual(['expired']);
    now += 5000;
    await settle(id);
    const rows = await members(id);
    expect(rows[0]).toMatchObject({ device: canary?.device, state: 'committed' });
    expect((await read(id)).wave).toBe(1);
  });

  it('tells devices again what a dying server may not have told them', async () => {
    const id = await create(1);
    await advance(id);
    const lost = published;
    published = [];
    const publisher = createPublisher({ ...context, log: silent });
    await publisher.repeat();
    expect(published).toEqual(lost);
    await publisher.repeat();
    expect(published).toEqual(lost);
  });

  it('tells devices again to remove what a dying server may not have told them to', async () => {
    const id = await create(1, { waves: ['1', '100%'] });
    await settle(id);
    const [canary] = await members(id);
    const by = { actor: 'token:test', now };
    await changeRollout(database, { fleet: FLEET, id }, 'abort', by);
    await advance(id);
    published = [];
    await createPublisher({ ...context, log: silent }).repeat();
    expect(published).toEqual([canary?.device]);
  });

  it('does an action once, however often it comes', async () => {
    const id = await create(1);
    const target = { fleet: FLEET, id };
    await executeAction(database, target, { kind: 'openWave', wave: 0, note: '' }, now);
    await executeAction(database, target, { kind: 'openWave', wave: 0, note: '' }, now);
    const [canary] = await members(id);
    const deploy = { kind: 'deploy', devices: devices.map((device) => device.id) } as const;
    expect(await executeAction(database, target, deploy, now)).toEqual([canary?.device]);
    expect(await executeAction(database, target, deploy, now)).toEqual([]);
    const early = { kind: 'retry', devices: [canary!.device] } as const;
    expect(await executeAction(database, target, early, now)).toEqual([]);
    const rows = await database.db.selectFrom('deployments').selectAll().execute();
    expect(rows.map(({ attempt }) => attempt)).toEqual([1]);
  });

  it('can be paused and resumed, but not once it has ended', async () => {
    const id = await create(1);
    const by = { actor: 'token:test', now };
    await changeRollout(database, { fleet: FLEET, id }, 'pause', by);
    await settle(id);
    expect(states(await members(id))).toEqual(['pending', 'pending', 'pending', 'pending']);
    await changeRollout(database, { fleet: FLEET, id }, 'resume', by);
    for (let turn = 0; turn < 6; turn++) {
      await settle(id);
      now += 1000;
    }
    expect((await read(id)).state).toBe('done');
    await expect(changeRollout(database, { fleet: FLEET, id }, 'abort', by)).rejects.toThrow(
      `rollout ${id} cannot be aborted: it is done`,
    );
  });
});
