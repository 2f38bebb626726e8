import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildProfile } from '@flotilla/model';
import type { Window } from '@flotilla/protocol';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPostgres } from '../../../test/support/postgres.ts';
import { listAlerts } from '../alerts/store.ts';
import { type OpenDatabase, openDatabase } from '../db/open.ts';
import { assignDeployment } from '../devices/deployments.ts';
import { type DriftContext, detectDrift } from '../drift/detect.ts';
import {
  createIntake,
  deviceId,
  digestOf,
  FLEET,
  seedFleet,
  sure,
  windowOf,
} from '../rollouts/testing.ts';
import { pruneTelemetry } from './prune.ts';
import { readLatest, readSeries, readVersions } from './queries.ts';

const postgres = await startPostgres();
afterAll(() => postgres?.stop());

const KINDS = postgres === undefined ? (['sqlite'] as const) : (['sqlite', 'postgres'] as const);
const HOUR = 3_600_000;
/** On the hour. */
const START = 500_000 * HOUR;
const LENGTH = 10_000;
const PROFILE = digestOf('profile');

const profile = buildProfile(
  Array.from({ length: 2000 }, (_, i) => ({ features: { brightness: (i % 100) / 100 } })),
);
const bins = profile.features[0]!.counts.length;
const calm = new Array<number>(bins).fill(5);
const bright = calm.map((_, i) => (i < bins / 2 ? 0 : 10));

describe.each(KINDS)('telemetry on %s', (kind) => {
  let folder: string;
  let database: OpenDatabase;
  let intake: ReturnType<typeof createIntake>;
  let deployments: string[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-telemetry-'));
    database = await openDatabase(
      kind === 'sqlite'
        ? { kind, file: join(folder, 'fleet.db') }
        : { kind, url: await postgres!.createDatabase() },
    );
    await seedFleet(database.db, { devices: 3, versions: 2 });
    deployments = [];
    for (const i of [0, 1, 2]) deployments.push(await deploy(i, 1));
    intake = createIntake(database.db, database.dialect, () => undefined);
  });

  afterEach(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });

  const deploy = (i: number, version: number) =>
    database.db.transaction().execute((trx) =>
      assignDeployment(
        trx,
        {
          fleet: FLEET,
          device: deviceId(i),
          slot: 'parts',
          role: 'active',
          model: 'parts',
          version,
          precision: 'fp32',
          digest: digestOf(`x86-64-${version}`),
          targetPath: 'x',
          bytes: 1,
        },
        START,
      ),
    );

  const send = (i: number, startMs: number, change: Partial<Window> = {}, version = 1) => {
    const window = windowOf(
      { deployment: deployments[i]!, digest: digestOf(`x86-64-${version}`) },
      startMs,
      {
        inferences: 100,
        errors: 1,
        confidence: sure(99, 0.9),
        classCounts: [60, 40],
        latencyUs: { alpha: 0.02, offset: 200, counts: [95, 5], zeros: 0 },
        ...change,
      },
    );
    return intake.window(deviceId(i), window, startMs + LENGTH);
  };

  it('keeps the newest window of a slot, whatever comes late', async () => {
    await send(0, START + LENGTH, { inferences: 7, errors: 0 });
    await send(0, START);
    const [row, ...rest] = await readLatest(database.db, FLEET, deviceId(0));
    expect(rest).toEqual([]);
    expect(row).toMatchObject({
      version: 1,
      inferences: 7,
      window_end_ms: START + 2 * LENGTH,
      confidence: 0.9,
    });
    expect(row?.p95_ms).toBeGreaterThan(0);
  });

  it('rolls windows up by minute and hour, for a device and for the fleet', async () => {
    for (const i of [0, 1, 2]) {
      for (let n = 0; n < 12; n++) await send(i, START + n * LENGTH);
    }
    const range = { fleet: FLEET, fromMs: START, toMs: START + HOUR };
    const minutes = await readSeries(database.db, {
      ...range,
      device: deviceId(1),
      grain: 'minute',
    });
    expect(minutes.map(({ startMs, inferences }) => [startMs - START, inferences])).toEqual([
      [0, 600],
      [60_000, 600],
    ]);
    const hours = await readSeries(database.db, { ...range, grain: 'hour' });
    expect(hours).toHaveLength(1);
    expect(hours[0]).toMatchObject({ inferences: 3600, errors: 36, version: 1 });
    expect(hours[0]?.confidence).toBeCloseTo(0.9, 9);
    const [version] = await readVersions(database.db, { ...range, grain: 'hour' });
    expect(version).toMatchObject({ model: 'parts', version: 1, classCounts: [2160, 1440] });
  });

  it('adds up windows that come at the same time', async () => {
    await Promise.all(
      [0, 1, 2].flatMap((i) => Array.from({ length: 10 }, (_, n) => send(i, START + n * LENGTH))),
    );
    const range = { fleet: FLEET, fromMs: START, toMs: START + HOUR };
    const [hour] = await readSeries(database.db, { ...range, grain: 'hour' });
    expect(hour?.inferences).toBe(3000);
  });

  it('refuses windows of deployments that the device was never given', async () => {
    const unknown = { stored: false, code: 'report.unknown-deployment' };
    expect(await send(0, START, { deployment: deployments[1]! })).toEqual(unknown);
    expect(await send(0, START, { digest: digestOf('other') })).toEqual(unknown);
    expect(await send(0, START, { classCounts: [-1] })).toEqual({
      stored: false,
      code: 'telemetry.invalid',
    });
    expect(await readLatest(database.db, FLEET)).toEqual([]);
  });

  it('lets go of what is older than its retention', async () => {
    await send(0, START);
    await send(0, START + 10 * LENGTH);
    const retention = { windowsMs: 60_000, minutesMs: HOUR, hoursMs: HOUR };
    await pruneTelemetry(database.db, START + 100_000, retention);
    const windows = await database.db.selectFrom('telemetry_windows').select('start_ms').execute();
    expect(windows).toEqual([{ start_ms: START + 10 * LENGTH }]);
    await pruneTelemetry(database.db, START + 3 * HOUR, retention);
    expect(await database.db.selectFrom('telemetry_rollups').select('body').execute()).toEqual([]);
  });

  describe('drift', () => {
    let context: DriftContext;
    let changed: string[];
    let period: number;

    beforeEach(() => {
      changed = [];
      period = 0;
      context = {
        ...database,
        profileFor: async () => ({ digest: PROFILE, profile }),
        onChange: (_fleet, alert) => void changed.push(alert),
      };
    });

    /** One period in which these devices see bright frames and the others what they should. */
    const pass = async (...drifting: number[]) => {
      const startMs = START + period++ * LENGTH;
      for (const i of [0, 1, 2]) {
        const counts = drifting.includes(i) ? bright : calm;
        await send(i, startMs, {
          profileDigest: PROFILE,
          features: [{ name: 'brightness', counts }],
        });
      }
      await detectDrift(context, startMs + 2 * LENGTH);
    };

    it('raises an alert on a device after two windows, with the picture behind it, and closes it', async () => {
      await pass(0);
      expect(await listAlerts(database.db, FLEET, { limit: 10 })).toEqual([]);
      await pass(0);
      const [alert] = await listAlerts(database.db, FLEET, { state: 'open', limit: 10 });
      expect(alert).toMatchObject({
        kind: 'drift',
        scope: 'device',
        device: deviceId(0),
        feature: 'brightness',
        version: 1,
      });
      expect(alert?.sentence).toMatch(
        /^input feature brightness of parts@1 drifted on device 0: PSI \d+\.\d\d over 100 inferences, limit \d\.\d\d$/,
      );
      expect(alert?.data.reference).toEqual(profile.features[0]?.counts);
      expect(alert?.data.observed).toEqual(bright);
      expect(alert?.data.edges).toHaveLength(bins - 1);
      for (let i = 0; i < 3; i++) await pass();
      expect(await listAlerts(database.db, FLEET, { state: 'open', limit: 10 })).toEqual([]);
      const [closed] = await listAlerts(database.db, FLEET, { limit: 10 });
      expect(closed?.sentence).toContain('closed: the last windows look like the reference again');
      expect(changed.length).toBeGreaterThanOrEqual(2);
    });

    it('judges a period once, whoever asks', async () => {
      await pass(0);
      await detectDrift(context, START + 3 * LENGTH);
      await detectDrift(context, START + 3 * LENGTH);
      expect(await listAlerts(database.db, FLEET, { limit: 10 })).toEqual([]);
    });

    it('raises one alert for the fleet when all of it drifts, and closes it with its version', async () => {
      await pass(0, 1, 2);
      await pass(0, 1, 2);
      const open = await listAlerts(database.db, FLEET, { state: 'open', limit: 10 });
      expect(open.map(({ scope }) => scope).sort()).toEqual([
        'device',
        'device',
        'device',
        'fleet',
      ]);
      for (const i of [0, 1, 2]) {
        deployments[i] = await deploy(i, 2);
        await send(i, START + period * LENGTH, {}, 2);
      }
      await detectDrift(context, START + (period + 2) * LENGTH);
      expect(await listAlerts(database.db, FLEET, { state: 'open', limit: 10 })).toEqual([]);
      const [closed] = await listAlerts(database.db, FLEET, { limit: 1 });
      expect(closed?.sentence).toContain('closed: parts@1 no longer runs there');
    });

    it('judges a device by the profile of its own bundle, though most devices have another', async () => {
      const [bundle, own] = [`sha256:${'b'.repeat(64)}`, `sha256:${'c'.repeat(64)}`];
      context = {
        ...context,
        profileFor: async (digest) => ({ digest: digest === bundle ? own : PROFILE, profile }),
      };
      for (let turn = 0; turn < 2; turn++) {
        const startMs = START + period++ * LENGTH;
        for (const i of [0, 1, 2]) {
          const features = [{ name: 'brightness', counts: i === 2 ? bright : calm }];
          await send(i, startMs, { profileDigest: i === 2 ? own : PROFILE, features });
        }
        await database.db
          .updateTable('telemetry_windows')
          .set({ digest: bundle })
          .where('device', '=', deviceId(2))
          .execute();
        await detectDrift(context, startMs + 2 * LENGTH);
      }
      const open = await listAlerts(database.db, FLEET, { state: 'open', limit: 10 });
      expect(open.map(({ device }) => device)).toEqual([deviceId(2)]);
    });

    it('stays quiet where bundles carry no profile', async () => {
      context = { ...context, profileFor: async () => undefined };
      await pass(0, 1, 2);
      await pass(0, 1, 2);
      expect(await listAlerts(database.db, FLEET, { limit: 10 })).toEqual([]);
    });
  });
});
