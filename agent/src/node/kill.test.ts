import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  type RunningProcess,
  runAgentCommand,
  startAgentProcess,
} from '../testing/agent-process.ts';
import { type LiveServer, startLiveServer } from '../testing/live-server.ts';
import { makePartsBundle } from '../testing/parts-bundle.ts';

const LONG = process.env.FLOTILLA_LONG === '1';
const KILLS = LONG ? 40 : 4;
/** A deployment takes about this long on an idle machine, from the start of the process. */
const SPAN_MS = 1500;
const slow = { interval: 20, timeout: 90_000 };
vi.setConfig({ testTimeout: 240_000 });

let server: LiveServer;
let folder: string;
let agent: RunningProcess | undefined;

beforeAll(async () => {
  server = await startLiveServer();
  folder = await mkdtemp(join(tmpdir(), 'flotilla-kill-'));
});

afterAll(async () => {
  await agent?.end('SIGKILL');
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

/** Numerical Recipes' linear congruential generator: the same moments in every run. */
function* moments(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

async function versionServed({ address }: RunningProcess): Promise<number> {
  const response = await fetch(`${address}/v2/models/parts`);
  const { versions } = (await response.json()) as { versions?: string[] };
  return Number(versions?.[0]);
}

async function want(version: number): Promise<void> {
  const bundle = await makePartsBundle(version);
  server.fleet.publishBundle(bundle);
  const active = server.fleet.deployment(bundle, { precision: 'fp32', watchMs: 100 });
  server.fleet.want({ slots: [{ name: 'parts', mode: 'MODE_PRESENT', active }] });
}

const committed = (version: number) =>
  vi.waitFor(() => {
    const { active = [] } = server.fleet.state ?? {};
    expect(active[0]?.version).toBe(version);
    const last = server.fleet.outcomes().at(-1);
    expect(last).toMatchObject({ result: 'RESULT_COMMITTED', deployment: active[0]?.deployment });
  }, slow);

describe('kill -9', () => {
  test('at any moment leaves a device that serves the old model or the new one', async () => {
    const data = join(folder, 'device');
    await runAgentCommand('enroll', '--server', server.api, '--token', 'clm_good', '--data', data);
    await want(1);
    agent = await startAgentProcess(data);
    await committed(1);
    const random = moments(7);
    let version = 1;
    for (let kill = 0; kill < KILLS; kill++) {
      await want(version + 1);
      await sleep((random.next().value ?? 0) * SPAN_MS);
      await agent.end('SIGKILL');
      agent = await startAgentProcess(data);
      expect([version, version + 1]).toContain(await versionServed(agent));
      version++;
      await committed(version);
      expect(await versionServed(agent)).toBe(version);
    }
    const endings = server.fleet.outcomes().map(({ result }) => result);
    expect(new Set(endings)).toEqual(new Set(['RESULT_COMMITTED']));
  }, 600_000);
});
