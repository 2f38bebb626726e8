import { afterEach, describe, expect, test } from 'vitest';
import type { ApiDevice, Page } from '../support/api.ts';
import { type Feeder, infer, startFeeder } from '../support/feeder.ts';
import { type Bed, createBed, type Device, type Server } from '../support/fleet.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { loadParts, type Parts } from '../support/parts.ts';
import { rollOut, untilEnded } from '../support/rollouts.ts';
import { until } from '../support/until.ts';

/** A running fleet, and the cameras over its belts. */
interface World {
  readonly bed: Bed;
  readonly parts: Parts;
  readonly server: Server;
  readonly devices: readonly Device[];
  readonly feeders: readonly Feeder[];
}

const NAMES = ['press', 'lathe', 'mill'];
const STEP_MS = 60_000;
const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function openWorld(args: readonly string[]): Promise<World> {
  const parts = await loadParts();
  const bed = await createBed();
  closers.push(() => bed.close());
  const server = await bed.server({ args });
  const token = await server.claimToken(NAMES.length);
  const devices: Device[] = [];
  for (const name of NAMES) devices.push(await bed.device(name, { server: server.url, token }));
  const feeders = devices.map((device) => startFeeder(device, 'parts', parts.clean));
  closers.push(() => Promise.all(feeders.map((feeder) => feeder.stop())));
  return { bed, parts, server, devices, feeders };
}

async function push({ server }: World, ...args: string[]): Promise<void> {
  const { code, stderr } = await server.cli('model', 'push', ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
}

async function everyDeviceConnects({ server }: World): Promise<void> {
  await until('every device online', async () => {
    const { items } = await server.api.get<Page<ApiDevice>>('/devices');
    return items.length === NAMES.length && items.every(({ online }) => online);
  });
}

async function everyDeviceRuns(world: World, version: number): Promise<void> {
  await until(`every device at version ${version}`, async () => {
    const { items } = await world.server.api.get<Page<ApiDevice>>('/devices');
    return items.every(({ active }) => active[0]?.version === version);
  });
  for (const { url } of world.devices) await answersRight(url, world.parts, version);
}

/** Version 1 is right on 91 % of clean frames, version 2 on 99 %. */
async function answersRight(url: string, { clean }: Parts, version: number): Promise<void> {
  const frames = clean.slice(0, 24);
  const answers = await Promise.all(frames.map(({ bytes }) => infer(url, 'parts', bytes)));
  expect(new Set(answers.map((answer) => answer.version))).toEqual(new Set([version]));
  const right = answers.filter(({ label }, i) => label === frames[i]?.label).length;
  expect(right / frames.length).toBeGreaterThan(0.75);
}

async function telemetryArrives({ server, devices }: World, version: number): Promise<void> {
  for (const { id } of devices) {
    const latest = await until('telemetry of the version', async () => {
      type Telemetry = { latest: { version: number; inferences: number; p95Ms: number }[] };
      const telemetry = await server.api.get<Telemetry>(`/devices/${id}/telemetry`);
      return telemetry.latest.find((row) => row.version === version);
    });
    expect(latest.inferences).toBeGreaterThan(0);
    expect(latest.p95Ms).toBeGreaterThan(0);
  }
}

async function rollsOutInWaves({ server }: World): Promise<void> {
  const id = await rollOut(server.api, 2, {
    waves: ['1', '100%'],
    soakMs: 1500,
    maxSoakMs: 20_000,
  });
  const rollout = await untilEnded(server.api, id, STEP_MS);
  expect(rollout.state).toBe('done');
  expect(rollout.devices.map(({ state }) => state)).toEqual([
    'committed',
    'committed',
    'committed',
  ]);
  expect(rollout.devices.map(({ wave }) => wave)).toEqual([0, 1, 1]);
}

/** Version 3 passes its self-test and is wrong on real frames: only evidence stops it. */
async function badVersionIsStopped({ server, devices, feeders }: World): Promise<void> {
  const id = await rollOut(server.api, 3, {
    waves: ['2', '100%'],
    soakMs: 60_000,
    maxSoakMs: 60_000,
  });
  const rollout = await untilEnded(server.api, id, STEP_MS);
  expect(rollout.state).toBe('rolled-back');
  expect(['confidence', 'class-mix']).toContain(rollout.haltedBy);
  const took = rollout.devices.filter(({ wave }) => wave === 0).map(({ device }) => device);
  const back = rollout.devices.filter(({ backState }) => backState === 'committed');
  expect(back.map(({ device }) => device)).toEqual(took);
  devices.forEach(({ id }, i) => {
    const ran = feeders[i]?.answers.some(({ version }) => version === 3);
    expect({ id, ran }).toEqual({ id, ran: took.includes(id) });
  });
}

async function driftIsNoticed({ server, feeders, parts }: World): Promise<void> {
  type Alert = { state: string; model: string; feature: string; sentence: string };
  const open = async () => (await server.api.get<Page<Alert>>('/drift?state=open')).items;
  expect(await open()).toEqual([]);
  for (const feeder of feeders) feeder.show(parts.dark);
  const alerts = await until('a drift alert', async () => {
    const items = await open();
    return items.length > 0 && items;
  });
  expect(alerts[0]).toMatchObject({ model: 'parts', sentence: expect.stringContaining('PSI') });
}

describe('a model goes to live devices and back', () => {
  test('over the embedded broker, version 1 built by the server', {
    timeout: 240_000,
  }, async () => {
    const world = await openWorld([]);
    const { parts, server } = world;
    await everyDeviceConnects(world);
    const data = ['--calibration', parts.calibration, '--evaluate', parts.evaluation];
    await push(world, parts.source(1), '--targets', 'x86-64', '--precisions', 'int8', ...data);
    const first = await untilEnded(server.api, await rollOut(server.api, 1), STEP_MS);
    expect(first.state).toBe('done');
    await theRest(world);
  });

  test('over Mosquitto', { timeout: 240_000 }, async ({ skip }) => {
    const broker = await startMosquitto();
    if (broker === undefined) return skip();
    closers.push(() => broker.stop());
    const { username, password } = broker.admin;
    const account = ['--broker-user', username, '--broker-password', password];
    const world = await openWorld(['--broker', broker.url, ...account]);
    const { parts, server } = world;
    await everyDeviceConnects(world);
    await push(world, parts.bundles(1), '--name', 'parts');
    const first = await untilEnded(server.api, await rollOut(server.api, 1), STEP_MS);
    expect(first.state).toBe('done');
    await broker.restart();
    await everyDeviceConnects(world);
    await theRest(world);
  });
});

async function theRest(world: World): Promise<void> {
  const { parts } = world;
  await everyDeviceRuns(world, 1);
  await telemetryArrives(world, 1);
  for (const version of [2, 3] as const)
    await push(world, parts.bundles(version), '--name', 'parts');
  await rollsOutInWaves(world);
  await everyDeviceRuns(world, 2);
  await badVersionIsStopped(world);
  await everyDeviceRuns(world, 2);
  await driftIsNoticed(world);
}
