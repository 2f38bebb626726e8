import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SHADOW_MINOR, type State, type Window } from '@flotilla/protocol';
import { pino } from 'pino';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPostgres } from '../../../test/support/postgres.ts';
import { type OpenDatabase, openDatabase } from '../db/open.ts';
import { assignDeployment } from '../devices/deployments.ts';
import { ingestState } from '../devices/presence.ts';
import { HOUR_MS } from '../telemetry/rollups.ts';
import { advanceRollout } from './advance.ts';
import { approveRollout } from './approve.ts';
import { createRollout } from './create.ts';
import { gatherEvidence } from './evidence.ts';
import type { Evidence } from './gates/types.ts';
import { readRollout } from './store.ts';
import { createTelemetrySums } from './sums.ts';
import {
  createIntake,
  deviceId,
  digestOf,
  FLEET,
  SimulatedDevice,
  seedFleet,
  sure,
  windowOf,
} from './testing.ts';

const postgres = await startPostgres();
afterAll(() => postgres?.stop());

const KINDS = postgres === undefined ? (['sqlite'] as const) : (['sqlite', 'postgres'] as const);
const DEVICES = 3;
const HOUR = 500_000 * HOUR_MS;

const pairOfFirst = ({ pairs }: Evidence) => pairs.find(({ device }) => device === deviceId(0));

describe.each(KINDS)('evidence on %s', (kind) => {
  let folder: string;
  let database: OpenDatabase;
  let intake: ReturnType<typeof createIntake>;
  let devices: SimulatedDevice[];
  let now: number;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-evidence-'));
    database = await openDatabase(
      kind === 'sqlite'
        ? { kind, file: join(folder, 'fleet.db') }
        : { kind, url: await postgres!.createDatabase() },
    );
    await seedFleet(database.db, { devices: DEVICES, versions: 2 });
    intake = createIntake(database.db, database.dialect, () => undefined);
    devices = Array.from({ length: DEVICES }, (_, i) => new SimulatedDevice(deviceId(i)));
    now = HOUR;
  });

  afterEach(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });

  const advance = (id: string) =>
    advanceRollout(
      { ...database, publishDesired: async () => undefined, onChange: () => undefined },
      { fleet: FLEET, id },
      { now, evidence: 'new' },
    );

  /** Puts a version on the devices of the first wave. */
  const rollOut = async (version: number, toleranceUsed = 0, waves = ['100%']) => {
    const request = { model: 'parts', version, waves, soakMs: 0, maxSoakMs: 60_000 };
    const { id } = await createRollout(database, FLEET, request, { actor: 'test', now });
    await advance(id);
    await settle(toleranceUsed);
    await advance(id);
    return id;
  };

  /** Every device takes what is active in its slot. */
  const settle = async (toleranceUsed = 0) => {
    for (const device of devices) {
      await device.sync(database.db);
      await device.step(database.db);
      for (const outcome of device.said.splice(0)) {
        const selfTest = { passed: true, toleranceUsed } as never;
        await intake.outcome(device.id, { ...outcome, selfTest }, now);
      }
    }
  };

  const say = (i: number, change: Partial<State>) =>
    ingestState(
      {
        db: database.db,
        now: () => now,
        changes: { emit: () => undefined } as never,
        log: pino({ level: 'silent' }),
      },
      FLEET,
      deviceId(i),
      {
        online: true,
        connectSeq: 1,
        protocolMinor: SHADOW_MINOR,
        features: [],
        active: [],
        agentVersion: '1',
        timeZone: '',
        uncleanStarts: 0,
        ...change,
      },
    );

  const tell = (i: number, startMs: number, inferences: number, more: Partial<Window> = {}) => {
    const running = devices[i]!.running!;
    const window = windowOf(running, startMs, {
      inferences,
      confidence: sure(inferences, 0.9),
      ...more,
    });
    return intake.window(devices[i]!.id, window, now);
  };

  const gather = async (id: string, sums = createTelemetrySums()) =>
    gatherEvidence(database.db, await readRollout(database.db, FLEET, id), now, sums);

  it('counts devices that keep crashing since they were asked, and did not before', async () => {
    await say(0, { uncleanStarts: 7 });
    await say(1, { uncleanStarts: 2_000_000 });
    await say(2, { protocolMinor: SHADOW_MINOR - 1 });
    await rollOut(1);
    const id = await rollOut(2);
    now += HOUR_MS;
    for (const i of [0, 1, 2]) await say(i, { uncleanStarts: [9, 2_000_003, 50][i]! });
    const before = await gather(id);
    expect(before.membership).toBe(DEVICES);
    expect(before.variants).toEqual(['x86-64 fp32']);
    expect(before.tallies.crashes, 'twice is chance, and one crashes all the time').toEqual([
      { variant: 'x86-64 fp32', asked: 3, bad: 0, reason: '' },
    ]);
    await say(0, { uncleanStarts: 10 });
    expect((await gather(id)).tallies.crashes).toMatchObject([{ asked: 3, bad: 1 }]);
    await say(1, { uncleanStarts: 2 ** 32 - 1 });
    expect((await gather(id)).tallies.crashes, 'claims of any size').toMatchObject([{ bad: 2 }]);
    await say(1, { uncleanStarts: 2_000_003 });
    now += 48 * HOUR_MS;
    expect((await gather(id)).tallies.crashes, 'seldom again').toMatchObject([{ bad: 0 }]);
  });

  it('counts no crashes of the days in which a device could not be reached', async () => {
    for (const i of [0, 1, 2]) await say(i, {});
    await rollOut(1);
    devices[0]!.behavior = (version, attempt) =>
      version === 2 && attempt === 1
        ? { result: 'RESULT_FAILED', code: 'download.failed' }
        : { result: 'RESULT_COMMITTED' };
    const request = { model: 'parts', version: 2, waves: ['100%'], retryMs: 48 * HOUR_MS };
    const { id } = await createRollout(database, FLEET, request, { actor: 'test', now });
    await advance(id);
    await settle();
    now += 48 * HOUR_MS;
    await say(0, { uncleanStarts: 3 });
    await advance(id);
    await settle();
    now += 60_000;
    expect(devices[0]!.running?.version).toBe(2);
    expect((await gather(id)).tallies.crashes).toMatchObject([{ asked: 3, bad: 0 }]);
    await say(0, { uncleanStarts: 6 });
    expect((await gather(id)).tallies.crashes).toMatchObject([{ asked: 3, bad: 1 }]);
  });

  it('knows the time zones that a calendar knows', async () => {
    await say(0, { timeZone: 'Europe/Paris' });
    await say(1, { timeZone: 'Mars/Olympus' });
    await say(2, { timeZone: 'x'.repeat(10_000) });
    const rows = await database.db
      .selectFrom('devices')
      .select('time_zone')
      .orderBy('device')
      .execute();
    expect(rows.map(({ time_zone }) => time_zone)).toEqual(['Europe/Paris', '', '']);
  });

  it('counts self-tests that came close, and drift that came with the version', async () => {
    await rollOut(1, 0.2);
    const drifted = [{ name: 'brightness', statistic: 9, threshold: 1, drifted: true }];
    for (const i of [0, 1, 2]) await tell(i, HOUR, 10, i === 0 ? { drift: drifted } : {});
    const id = await rollOut(2, 0.95);
    for (const i of [0, 1]) await tell(i, HOUR, 10, { drift: drifted });
    const { tallies } = await gather(id);
    expect(tallies['self-test']).toMatchObject([{ asked: 3, bad: 3 }]);
    await database.db.updateTable('rollout_members').set({ tolerance_used: 31 }).execute();
    expect((await gather(id)).tallies['self-test'], 'more than the tolerance').toMatchObject([
      { asked: 3, bad: 0 },
    ]);
    expect(tallies.drift).toMatchObject([{ asked: 3, bad: 1 }]);
    expect(tallies.activations).toMatchObject([{ asked: 3, bad: 0 }]);
  });

  it('remembers what it has read, and takes in what comes later, however late', async () => {
    await rollOut(1);
    for (const hours of [5, 3, 0]) await tell(0, HOUR - hours * HOUR_MS, 100);
    const id = await rollOut(2);
    await tell(0, HOUR, 40);
    const sums = createTelemetrySums();
    const look = async () => {
      const first = pairOfFirst(await gather(id, sums));
      return [first?.baseline.inferences, first?.candidate.inferences];
    };
    expect(await look()).toEqual([300, 40]);
    await tell(0, HOUR, 2);
    expect(await look()).toEqual([300, 42]);
    now += 3 * HOUR_MS;
    await tell(0, now, 8);
    expect(await look(), 'hours that have become old are the same').toEqual([300, 50]);
    await tell(0, HOUR, 1000);
    now += HOUR_MS / 2;
    expect(await look(), 'an hour long past has grown').toEqual([300, 1050]);
    expect(await look()).toEqual([300, 1050]);
    const fresh = pairOfFirst(await gather(id));
    expect(fresh?.candidate.inferences).toBe(1050);
  });

  it('compares with what a device got after the rollout was made and before its turn', async () => {
    const request = { model: 'parts', version: 2, waves: ['100%'], startMs: now + HOUR_MS };
    const { id } = await createRollout(database, FLEET, request, { actor: 'test', now });
    now += 60_000;
    const variant = { precision: 'fp32', digest: digestOf('x86-64-1'), bytes: 1000 };
    const targetPath = 'parts/1/x86-64/fp32';
    const slot = { fleet: FLEET, device: deviceId(0), slot: 'parts', role: 'active' } as const;
    const order = { ...slot, ...variant, model: 'parts', version: 1, targetPath };
    await assignDeployment(database.db, order, now);
    await settle();
    await tell(0, now, 100);
    now += HOUR_MS;
    await advance(id);
    await settle();
    await tell(0, now, 40);
    const pair = pairOfFirst(await gather(id));
    expect([pair?.baseline.inferences, pair?.candidate.inferences]).toEqual([100, 40]);
  });

  it('keeps what a shadow computes apart from what the device answered', async () => {
    await rollOut(1);
    const device = deviceId(0);
    const shadow = await assignDeployment(
      database.db,
      {
        ...{ fleet: FLEET, device, slot: 'parts', role: 'shadow', model: 'parts', version: 2 },
        ...{ precision: 'fp32', digest: digestOf('x86-64-2'), targetPath: 'parts/2/x86-64/fp32' },
        bytes: 1000,
      },
      now,
    );
    await tell(0, HOUR, 100);
    const pair = { deployment: shadow, digest: digestOf('x86-64-2') };
    const comparedWindow = windowOf(pair, HOUR, {
      inferences: 70,
      role: 'ROLE_SHADOW',
      comparison: { compared: 7, agreed: 6, disagreements: [], skipped: 0, activeDigest: '' },
    });
    expect(await intake.window(device, comparedWindow, now)).toMatchObject({ stored: true });
    const rows = await database.db
      .selectFrom('telemetry_rollups')
      .select(['scope', 'version', 'inferences'])
      .orderBy('inferences')
      .orderBy('scope')
      .execute();
    expect(rows.filter(({ version }) => version === 2)).toEqual([
      { scope: 'deployment', version: 2, inferences: 70 },
    ]);
    expect(rows.filter(({ version }) => version === 1)).toHaveLength(5);
    const { comparison } = comparedWindow;
    expect(await tell(0, HOUR, 5, { role: 'ROLE_SHADOW', comparison })).toMatchObject({
      code: 'telemetry.invalid',
    });
    const latest = await database.db.selectFrom('telemetry_latest').select('version').execute();
    expect(latest).toEqual([{ version: 1 }]);
  });

  it('has a person decide on evidence that stays suspicious', async () => {
    await rollOut(1);
    for (const i of [0, 1, 2]) await tell(i, HOUR, 100);
    const id = await rollOut(2, 0, ['1', '100%']);
    const wave = async () => (await readRollout(database.db, FLEET, id)).wave;
    const by = { actor: 'token:test', now };
    const target = { fleet: FLEET, id };
    await expect(approveRollout(database, target, by)).rejects.toThrow('asks for no approval');
    const canary = devices.findIndex(({ running }) => running?.version === 2);
    await tell(canary, HOUR, 100, { confidence: sure(100, 0.72) });
    now += 60_000;
    await advance(id);
    expect(await wave()).toBe(0);
    // given before anybody could know
    await database.db.updateTable('rollouts').set({ approved_wave: 2 }).execute();
    await advance(id);
    expect(await wave()).toBe(0);
    const { rollout } = await approveRollout(database, target, by);
    expect(rollout).toMatchObject({ accepted: ['confidence'] });
    expect(await approveRollout(database, target, by)).toMatchObject({
      answer: 'wave 2 of 2 of parts@2 is approved already',
    });
    const events = await database.db
      .selectFrom('rollout_events')
      .select('sentence')
      .where('kind', '=', 'approve')
      .execute();
    expect(events).toEqual([
      {
        sentence:
          'wave 2 of 2 approved by token:test in spite of what the gate "Confidence against the previous version" has seen',
      },
    ]);
    await advance(id);
    expect(await wave()).toBe(1);
  });
});
