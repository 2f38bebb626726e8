import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pushBundles } from '../../fleet-server/src/testing/uploads.ts';
import { commandsOf } from '../support/commands.ts';
import { type Bed, createBed, type Server } from '../support/fleet.ts';
import { expectOneLine } from '../support/one-line.ts';
import { type Running, run, start } from '../support/processes.ts';
import { rollOut, untilEnded } from '../support/rollouts.ts';

const DOCS = fileURLToPath(new URL('../../docs/simulate.md', import.meta.url));

/** What a line of `--json` says. */
interface Counts {
  readonly online: number;
  readonly runs: Readonly<Record<string, number>>;
  readonly ended: Readonly<Record<string, number>>;
}

let bed: Bed;
let folder: string;
let server: Server;
let env: Record<string, string>;
let simulation: Running | undefined;

beforeAll(async () => {
  bed = await createBed();
  folder = await mkdtemp(join(tmpdir(), 'flotilla-simulate-'));
  server = await bed.server();
  env = { ...bed.env, FLOTILLA_SERVER: server.url, FLOTILLA_TOKEN: server.adminToken };
  for (const version of [1, 2]) await pushBundles(server, version);
});
afterAll(async () => {
  await simulation?.stop();
  await bed.close();
  await rm(folder, { recursive: true, force: true });
});

/** The command of the documentation, with its lines of counts. */
async function simulate(...more: readonly string[]): Promise<Running> {
  const shown = (await commandsOf(DOCS, 'docs/simulate.md')).flat();
  const command = shown.find(({ args }) => args[0] === 'simulate');
  if (command === undefined) throw new Error('docs/simulate.md shows no flotilla simulate');
  simulation = start('flotilla', [...command.args, '--step-ms=50', '--json', ...more], env, folder);
  return simulation;
}

const untilCounts = async (running: Running, holds: (counts: Counts) => boolean) =>
  JSON.parse(
    await running.line((line) => line.startsWith('{') && holds(JSON.parse(line))),
  ) as Counts;

const QUICK = { watchMs: 200, soakMs: 100, retryMs: 100 };

test('a bad version is tried on a simulated fleet, and undone on the few devices that saw it', async () => {
  const running = await simulate();
  await untilCounts(running, ({ online }) => online === 60);
  const good = await rollOut(server.api, 1, { ...QUICK, waves: ['100%'] });
  expect((await untilEnded(server.api, good, 30_000)).state).toBe('done');
  await untilCounts(running, ({ runs }) => runs['parts@1'] === 60);
  const bad = await rollOut(server.api, 2, { ...QUICK, waves: ['20', '50%', '100%'] });
  const { state, haltedBy, devices } = await untilEnded(server.api, bad, 30_000);
  expect({ state, haltedBy }).toEqual({ state: 'rolled-back', haltedBy: 'activations' });
  const asked = devices.filter((one) => one.backState !== 'none');
  expect(asked.length).toBeLessThanOrEqual(30);
  const failed = 'parts@2 failed, deployment.self-test-failed';
  await untilCounts(running, ({ runs, ended }) => runs['parts@1'] === 60 && failed in ended);
  await running.stop();
});

test('the same devices come back, with what they ran', async () => {
  const running = await simulate('--for=2', '--download=full');
  const counts = await untilCounts(running, ({ online }) => online === 60);
  expect(counts.runs).toEqual({ 'parts@1': 60 });
  expect(counts.ended).toEqual({});
  expect((await running.ended).code).toBe(0);
  const { items } = await server.api.get<{ items: unknown[] }>('/devices?limit=200');
  expect(items).toHaveLength(60);
  const { mode } = await stat(join(folder, 'simulation', 'simulated-fleet.json'));
  expect(mode & 0o077).toBe(0);
});

test('a download is fetched and compared, and telemetry is taken in', async () => {
  const running = await simulate('--data=b', '--prefix=b', '--download=full', '--rate=20');
  await untilCounts(running, ({ online }) => online === 60);
  const id = await rollOut(server.api, 1, { ...QUICK, devices: 'name=b-*' });
  expect((await untilEnded(server.api, id, 30_000)).devices.map(({ state }) => state)).toEqual(
    new Array(60).fill('committed'),
  );
  const metrics = await fetch(`${server.url}/metrics`, {
    headers: { authorization: `Bearer ${server.adminToken}` },
  });
  expect(await metrics.text()).toMatch(/kind="telemetry"\} [1-9]/);
  await running.stop();
});

test('devices of another fleet are not let in', async () => {
  const ended = await run('flotilla', ['simulate', '--fleet', 'other'], env, folder);
  expectOneLine(ended, /simulation.*belong to fleet default.*--data/, 2);
});
