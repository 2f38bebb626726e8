import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type Feeder, infer, startFeeder } from '../support/feeder.ts';
import { type Bed, createBed, type Device, type Server } from '../support/fleet.ts';
import { acknowledged, createLedger, type Ledger } from '../support/ledger.ts';
import { startTap } from '../support/mqtt-tap.ts';
import { loadParts, type Parts } from '../support/parts.ts';
import { seededRandom } from '../support/random.ts';
import { ENDED, readRollout, rollOut, untilEnded } from '../support/rollouts.ts';
import { until } from '../support/until.ts';

/** A seed repeats the order of kills; their moments hang on the machine too. */
const SEED = Number(process.env.FLOTILLA_SEED ?? randomInt(2 ** 31));
const KILLS = process.env.FLOTILLA_LONG === '1' ? 50 : 5;
const WINDOW_MS = 1000;
const LONGEST_PAUSE_MS = 1500;
const DEVICES = ['press', 'lathe', 'mill'];

interface World {
  readonly bed: Bed;
  readonly parts: Parts;
  readonly server: Server;
  readonly devices: readonly Device[];
  readonly feeders: readonly Feeder[];
  readonly ledger: Ledger;
  /** When agents were killed, wall-clock ms, by device. */
  readonly kills: Map<string, number[]>;
}

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function openWorld(): Promise<World> {
  const parts = await loadParts();
  const bed = await createBed();
  closers.push(() => bed.close());
  const ledger = createLedger();
  let brokerPort = 0;
  const tap = await startTap(() => brokerPort, ledger.note);
  closers.push(() => tap.close());
  const server = await bed.server({
    args: ['--public-mqtt-url', tap.url],
    telemetryWindowMs: WINDOW_MS,
  });
  brokerPort = server.mqttPort;
  const token = await server.claimToken(DEVICES.length);
  const devices: Device[] = [];
  for (const name of DEVICES) devices.push(await bed.device(name, { server: server.url, token }));
  const feeders = devices.map((device) => startFeeder(device, 'parts', parts.clean));
  closers.push(() => Promise.all(feeders.map((feeder) => feeder.stop())));
  return { bed, parts, server, devices, feeders, ledger, kills: new Map() };
}

/** Rolls out the other of two versions whenever a rollout has ended, so that one always runs. */
function createSwing({ server: { api } }: World) {
  // evidence must not stop what the test wants: both directions are rolled out
  const gates = {
    maxFailedShare: 1,
    disabled: ['crashes', 'errors', 'latency', 'confidence', 'class-mix'],
  };
  const settings = { waves: ['1', '100%'], soakMs: 300, maxSoakMs: 1000, maxAttempts: 20, gates };
  let target = 1;
  let rollout = '';
  return {
    get target() {
      return target;
    },
    async push() {
      if (rollout !== '' && !ENDED.includes((await readRollout(api, rollout)).state)) return;
      target = target === 1 ? 2 : 1;
      rollout = await rollOut(api, target, settings);
    },
    /** Rolls out again where crash after crash made a device give the version up. */
    async settle(timeoutMs: number) {
      const { state, devices } = await untilEnded(api, rollout, timeoutMs);
      expect(state).toBe('done');
      const open = devices.filter((one) => one.state !== 'committed');
      expect(open.filter(({ code }) => code !== 'deployment.crash-loop')).toEqual([]);
      if (open.length === 0) return;
      rollout = await rollOut(api, target, settings);
      await untilEnded(api, rollout, timeoutMs);
    },
  };
}

test(`${KILLS} kills of server and agents in a rollout (FLOTILLA_SEED=${SEED})`, {
  timeout: 240_000 + KILLS * 6000,
}, async () => {
  const world = await openWorld();
  const { server, parts, devices } = world;
  for (const version of [1, 2] as const) {
    const { code, stderr } = await server.cli(
      'model',
      'push',
      parts.bundles(version),
      '--name',
      'parts',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  }
  const first = await rollOut(server.api, 1);
  expect((await untilEnded(server.api, first, 30_000)).state).toBe('done');

  const random = seededRandom(SEED);
  const swing = createSwing(world);
  for (let kill = 0; kill < KILLS; kill++) {
    await swing.push();
    await sleep(random() * LONGEST_PAUSE_MS);
    if (kill % 2 === 0) {
      await server.kill9();
      await server.restart();
    } else {
      const device = devices[Math.floor(random() * devices.length)];
      if (device !== undefined) await crash(world, device);
    }
  }
  await swing.settle(60_000);
  await everyDeviceRuns(world, swing.target);
  await telemetryAddsUp(world);
});

/** Kills an agent; started again, it answers from a proven model or the one on trial. */
async function crash({ parts, kills }: World, device: Device): Promise<void> {
  const [frame] = parts.clean;
  if (frame === undefined) throw new Error('no frame');
  kills.set(device.id, [...(kills.get(device.id) ?? []), Date.now()]);
  await device.kill9();
  await device.restart();
  const answer = await infer(device.url, 'parts', frame.bytes);
  expect([1, 2]).toContain(answer.version);
}

async function everyDeviceRuns({ devices, feeders }: World, version: number): Promise<void> {
  for (const [i, device] of devices.entries()) {
    const { slots } = await until(`${device.name} at version ${version}`, async () => {
      const status = await device.status();
      return status.slots[0]?.active?.version === version && status;
    });
    const took = { runtime: 'onnxruntime', provider: 'cpu', fallbacks: [] };
    expect(slots).toEqual([
      {
        slot: 'parts',
        ready: true,
        active: expect.anything(),
        local: false,
        drifting: expect.anything(),
        ...took,
      },
    ]);
    const versions = new Set(feeders[i]?.answers.map((answer) => answer.version));
    expect([...versions].filter((one) => one !== 1 && one !== 2)).toEqual([]);
  }
}

/**
 * What was acknowledged is in the database once; what devices had recorded durably has arrived; and
 * what a kill could take is no more than the windows that were open then.
 */
async function telemetryAddsUp({ server, devices, feeders, ledger, kills }: World): Promise<void> {
  await Promise.all(feeders.map((feeder) => feeder.stop()));
  for (const [i, device] of devices.entries()) {
    const { answers = [], broken = 0 } = feeders[i] ?? {};
    const account = ledger.account(device.id);
    const last = answers.at(-1)?.atMs ?? 0;
    await until(`the outbox of ${device.name} to be empty`, async () => {
      const { online, outbox } = await device.status();
      return Date.now() > last + 2 * WINDOW_MS && online && outbox.pending === 0;
    });
    expect(account).toMatchObject({ rejected: [], changed: [] });
    expect([...account.sent.keys()].filter((key) => !account.stored.has(key))).toEqual([]);

    const stored = storedWindows(server, device.id);
    expect(stored).toEqual({ windows: account.sent.size, inferences: acknowledged(account) });
    expect(await rolledUp(server, device.id)).toBe(stored.inferences);

    const probes = kills.get(device.id)?.length ?? 0;
    expect(stored.inferences).toBeLessThanOrEqual(answers.length + broken + probes);
    const mayBeLost = (kills.get(device.id) ?? []).flatMap((at) => {
      const from = Math.floor(at / WINDOW_MS) * WINDOW_MS - WINDOW_MS;
      return answers.filter(({ atMs }) => atMs >= from && atMs <= at + WINDOW_MS);
    });
    expect(stored.inferences).toBeGreaterThanOrEqual(answers.length - mayBeLost.length);
  }
}

/** From the server's own database file, which another process may read while it runs. */
function storedWindows({ data }: Server, device: string) {
  const db = new DatabaseSync(join(data, 'fleet.db'), { readOnly: true });
  try {
    const sql =
      'select count(*) as windows, coalesce(sum(inferences), 0) as inferences from telemetry_windows where device = ?';
    return { ...db.prepare(sql).get(device) };
  } finally {
    db.close();
  }
}

async function rolledUp({ api }: Server, device: string): Promise<number> {
  type Telemetry = { versions: { inferences: number }[] };
  const { versions } = await api.get<Telemetry>(`/devices/${device}/telemetry`);
  return versions.reduce((sum, { inferences }) => sum + inferences, 0);
}
