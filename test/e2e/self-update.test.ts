/** Releases of the agent, rolled out like models: what takes hold, and what the device goes back from. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiDevice } from '../support/api.ts';
import { type AgentStatus, type Bed, createBed, type Server } from '../support/fleet.ts';
import { type Running, start } from '../support/processes.ts';
import { seededRandom } from '../support/random.ts';
import { type Behavior, makeThinPackage } from '../support/releases.ts';
import { ENDED, type RolloutView, readRollout, rollOut, untilEnded } from '../support/rollouts.ts';
import { until } from '../support/until.ts';

const LONG = process.env.FLOTILLA_LONG === '1';
const KILLS = LONG ? 30 : 3;

let bed: Bed;
let server: Server;
let data: string;
let id: string;
let launcher: Running;

beforeAll(async () => {
  bed = await createBed();
  server = await bed.server();
  const device = await bed.device('press', {
    server: server.url,
    token: await server.claimToken(),
  });
  await device.stop();
  ({ data, id } = device);
  launcher = launch();
}, 60_000);
afterAll(async () => {
  await launcher?.stop();
  await bed.close();
});

function launch(): Running {
  const place = ['--data', data, '--http', '127.0.0.1:0', '--json'];
  // as long as a slow machine takes to come up
  const patience = ['--update-timeout', '15000'];
  return start('flotilla-agent', ['launch', ...place, ...patience], bed.env);
}

async function push(behavior: Behavior): Promise<number> {
  const folder = join(bed.folder, `package-${behavior}-${Date.now()}`);
  await makeThinPackage(folder, behavior);
  const { code, stdout, stderr } = await server.cli('agent', 'push', folder, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return (JSON.parse(stdout) as { version: number }).version;
}

const begin = (version: number): Promise<string> =>
  rollOut(server.api, version, { model: '_agent', maxAttempts: 1 });

const rollOutRelease = async (version: number): Promise<RolloutView> =>
  untilEnded(server.api, await begin(version), 90_000);

/** What the agent that runs now says of itself. */
async function status(): Promise<AgentStatus> {
  const { address } = JSON.parse(await readFile(join(data, 'agent.json'), 'utf8'));
  return (await fetch(`${address}/flotilla/1/status`)).json() as Promise<AgentStatus>;
}

const launchState = async () => JSON.parse(await readFile(join(data, 'agent/launch.json'), 'utf8'));

const runs = (version: number) =>
  until(`release ${version} serves, connected`, async () => {
    const { online, release } = await status();
    return online && release?.active?.version === version;
  });

describe('a release of the agent', () => {
  test('takes the place of the agent that was installed', async () => {
    await until('the device can update itself', async () => {
      const { capabilities } = await server.api.get<ApiDevice>(`/devices/${id}`);
      return capabilities.selfUpdate === true;
    });
    const version = await push('good');
    expect(await rollOutRelease(version)).toMatchObject({ state: 'done' });
    await runs(version);
    expect(await launchState()).toEqual({ format: 1, active: 'a' });
    const { active } = await server.api.get<ApiDevice>(`/devices/${id}`);
    expect(active).toMatchObject([{ slot: '_agent', version }]);
  }, 120_000);

  const behaviors = [
    ['crashes', 'crashing', 'update.crashed'],
    // these wait until their time is over
    ...(LONG
      ? ([
          ['never reports healthy', 'silent', 'update.not-up'],
          ['does not reach its server', 'deaf', 'update.not-committed'],
        ] as const)
      : []),
  ] as const;
  test.each(behaviors)(
    'that %s gives way to the one before it',
    async (_, behavior, code) => {
      const { release } = await status();
      const { active: place } = await launchState();
      const rollout = await rollOutRelease(await push(behavior));
      expect(rollout.state).toBe('rolled-back');
      expect(rollout.devices).toMatchObject([
        { state: 'rolled-back', code, backState: 'committed' },
      ]);
      await runs(release?.active?.version ?? 0);
      expect((await launchState()).active).toBe(place);
    },
    120_000,
  );

  test('takes hold although launcher and agent are killed at any moment', async () => {
    const version = await push('good');
    const rollout = await begin(version);
    const random = seededRandom(7);
    for (let kill = 0; kill < KILLS; kill++) {
      await sleep(200 + random() * 2_500);
      process.kill(-launcher.pid, 'SIGKILL');
      await launcher.ended;
      launcher = launch();
      if (ENDED.includes((await readRollout(server.api, rollout)).state)) break;
    }
    const ended = await untilEnded(server.api, rollout, 90_000);
    // each kill while it is on trial counts as a crash of the new agent: then the older one is back
    const { release } = await until('an agent is connected', async () => {
      const now = await status();
      return now.online && now;
    });
    expect(release?.active?.version).toBe(ended.state === 'done' ? version : 1);
    if (ended.state !== 'done') expect(ended.devices).toMatchObject([{ code: 'update.crashed' }]);
  }, 240_000);
});
