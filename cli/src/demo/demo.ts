import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FlotillaError } from '@flotilla/protocol';
import { percent } from '../ui/table.ts';
import { DEVICES } from './devices.ts';
import { type Feeder, startFeeder } from './feeder.ts';
import { type DemoAgent, type DemoServer, startAgent, startServer } from './fleet.ts';
import { renderImages } from './images.ts';
import type { Environment } from './processes.ts';
import type { Screen } from './screen.ts';
import {
  allRun,
  driftAlert,
  MODEL,
  pushVersion,
  rollOut,
  type Stage,
  watchPredictions,
} from './story.ts';

export interface DemoOptions {
  /** Port of the dashboard; 0 is any free one. */
  readonly port: number;
  /** Ends after the story instead of running on. */
  readonly once: boolean;
  readonly screen: Screen;
  readonly environment: Environment;
  readonly signal: AbortSignal;
}

const FRAMES_PER_SECOND = 15;
const SOAK_MS = 3_000;
/** Frames apart that the cameras begin at. */
const OFFSET = 41;

/**
 * Tells the whole story with real processes.
 *
 * @returns true when every step held
 * @throws FlotillaError `demo.step-failed` naming the step and the folder of the logs
 */
export async function demo(options: DemoOptions): Promise<boolean> {
  const { screen, signal, once } = options;
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-demo-'));
  const running: Running = { server: undefined, agents: [], feeders: [] };
  try {
    const stage = await setUp(folder, options, running);
    for (const chapter of CHAPTERS) await chapter(stage);
    if (!once) await runOn(stage);
  } catch (cause) {
    if (signal.aborted) return false;
    const reason = cause instanceof Error ? cause.message : String(cause);
    screen.failed(reason);
    const context = { step: screen.current, reason, logs: folder };
    throw new FlotillaError('demo.step-failed', context, { cause });
  } finally {
    await tearDown(running);
  }
  await rm(folder, { recursive: true, force: true });
  return screen.checks.every(({ held }) => held);
}

interface Running {
  server: DemoServer | undefined;
  agents: DemoAgent[];
  feeders: Feeder[];
}

async function setUp(folder: string, options: DemoOptions, running: Running): Promise<Stage> {
  const { screen, signal } = options;
  screen.chapter('A server and four devices start on this machine');
  const rendering = renderImages(join(folder, 'images'), (share) =>
    screen.progress('rendering frames of parts on a conveyor', share),
  );
  const place = { folder, environment: options.environment };
  const server = await startServer(place, options.port);
  running.server = server;
  screen.held(`the server answers: dashboard ${server.url}/#token=${server.adminToken}`);
  const claim = await server.api.post<{ token: string }>('/claim-tokens', { uses: DEVICES.length });
  for (const device of DEVICES) {
    screen.progress('devices enroll', running.agents.length / DEVICES.length);
    running.agents.push(
      await startAgent(device, place, { server: server.url, claim: claim.token }),
    );
  }
  const list = running.agents.map(({ device }) => `${device.name} (${device.target})`);
  screen.held(`four devices enrolled with one claim token: ${list.join(', ')}`);
  const images = await rendering;
  screen.held('frames are rendered');
  return { server, agents: running.agents, feeders: running.feeders, images, screen, signal };
}

const CHAPTERS: readonly ((stage: Stage) => Promise<void>)[] = [
  firstVersion,
  betterVersion,
  badVersion,
  lampFails,
];

async function firstVersion(stage: Stage): Promise<void> {
  const { screen, agents, images } = stage;
  screen.chapter('Version 1 is built for each kind of hardware and rolled out to all');
  await pushVersion(stage, 1, true);
  await expectState(stage, { version: 1, waves: ['100%'], soakMs: 0 }, 'done');
  await allRun(stage, 1);
  const started = agents.map((agent, index) =>
    startFeeder({
      device: agent.device.name,
      url: agent.url,
      slot: MODEL,
      framesPerSecond: FRAMES_PER_SECOND,
      frames: images.clean,
      offset: index * OFFSET,
    }),
  );
  stage.feeders.push(...started);
  const right = await watchPredictions(stage);
  check(screen, right > 0.8, `${percent(right)} of the parts are named rightly by version 1`);
}

async function betterVersion(stage: Stage): Promise<void> {
  const { screen } = stage;
  screen.chapter('Version 2 is better: one device first, then half, then all');
  await pushVersion(stage, 2, true);
  await expectState(stage, { version: 2, waves: ['1', '50%', '100%'], soakMs: SOAK_MS }, 'done');
  await allRun(stage, 2);
  const right = await watchPredictions(stage);
  check(screen, right > 0.95, `${percent(right)} of the parts are named rightly by version 2`);
}

async function badVersion(stage: Stage): Promise<void> {
  const { screen } = stage;
  screen.chapter('Version 3 was trained with a mistake, and no labels were at hand to see it');
  await pushVersion(stage, 3, false);
  const order = { version: 3, waves: ['3', '100%'], soakMs: SOAK_MS };
  const rollout = await expectState(stage, order, 'rolled-back');
  const touched = rollout.devices.filter(({ backState }) => backState !== 'none');
  const names = touched.map(({ name }) => name).join(', ');
  check(screen, touched.length > 0, `it activated cleanly on ${names}, no other device saw it`);
  const second = ['confidence', 'class-mix'].includes(rollout.haltedBy);
  check(screen, second, `the second gate stopped it: ${rollout.sentence}`);
  await allRun(stage, 2);
}

async function lampFails(stage: Stage): Promise<void> {
  const { screen, feeders, images } = stage;
  screen.chapter('A lamp fails over the belts');
  for (const feeder of feeders) feeder.show(images.drifted);
  screen.tell('the frames are dark now; nobody tells the devices');
  const alerts = await driftAlert(stage, 2);
  const open = alerts.filter(({ state }) => state === 'open');
  check(screen, open.length > 0, `the drift alarm rises: ${open[0]?.sentence ?? ''}`);
}

async function expectState(
  stage: Stage,
  order: Parameters<typeof rollOut>[1],
  state: 'done' | 'rolled-back',
) {
  const rollout = await rollOut(stage, order);
  const said = state === 'done' ? 'reached all its devices' : 'was stopped and undone';
  check(stage.screen, rollout.state === state, `the rollout of version ${order.version} ${said}`);
  return rollout;
}

function check(screen: Screen, holds: boolean, text: string): void {
  if (holds) screen.held(text);
  else screen.failed(text);
}

async function runOn({ server, screen, signal }: Stage): Promise<void> {
  screen.tell('');
  screen.tell(`everything runs on: look at ${server.url}/#token=${server.adminToken}`);
  screen.tell('Ctrl-C ends it');
  await new Promise<void>((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function tearDown({ server, agents, feeders }: Running): Promise<void> {
  await Promise.all(feeders.map((feeder) => feeder.stop()));
  await Promise.all(agents.map((agent) => agent.process.stop()));
  await server?.process.stop();
}
