import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { parseFaults } from '../../cli/src/simulate/faults.ts';
import { type Simulation, startSimulation } from '../../cli/src/simulate/simulation.ts';
import type { SimulationEvent } from '../../cli/src/simulate/world.ts';
import { pushBundles } from '../../fleet-server/src/testing/uploads.ts';
import { type Bed, createBed, type Server } from '../support/fleet.ts';
import { seededRandom } from '../support/random.ts';
import { ENDED, readRollout, rollOut, untilEnded } from '../support/rollouts.ts';
import { until } from '../support/until.ts';

/** A seed repeats the moments of the kills; what the server does in them hangs on the machine too. */
const SEED = Number(process.env.FLOTILLA_SEED ?? randomInt(2 ** 31));
const KILLS = process.env.FLOTILLA_LONG === '1' ? 200 : 5;
const LONGEST_LIFE_MS = 1200;
/** In one rollout: devices that find nobody wait longer and longer before they try again. */
const MOST_IN_ONE = 8;
const DEVICES = 40;
const VERSIONS = [1, 2, 3] as const;
/** Every rollout of this version is halted by its gate, and undone. */
const BAD = 3;

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** How often each pair of deployment and attempt was activated. */
function countActivations() {
  const times = new Map<string, number>();
  return {
    told(event: SimulationEvent) {
      if (event.kind !== 'activated') return;
      const { id, attempt } = event.deployment;
      const key = `${event.device} ${id}/${attempt}`;
      times.set(key, (times.get(key) ?? 0) + 1);
    },
    get twice() {
      return [...times].filter(([, count]) => count > 1);
    },
  };
}

async function openWorld(told: (event: SimulationEvent) => void) {
  const bed: Bed = await createBed();
  closers.push(() => bed.close());
  const server = await bed.server();
  for (const version of VERSIONS) await pushBundles(server, version);
  const simulation = await startSimulation({
    server: server.url,
    fleet: 'default',
    devices: DEVICES,
    data: join(bed.folder, 'simulation'),
    claim: (uses) => server.claimToken(uses),
    seed: SEED % 1000,
    profiles: { targets: ['x86-64'], sites: ['lyon', 'paris'], timeZones: [], prefix: 'sim' },
    rules: parseFaults(`parts@${BAD}: fail=1`),
    work: { inferencesPerSecond: 1, latencyMs: 20, classes: 8, labeled: 0 },
    stepMs: 100,
    download: 'none',
    signal: new AbortController().signal,
    told,
  });
  closers.push(() => simulation.stop());
  return { server, simulation };
}

/** As many devices in the first wave as a gate needs that sees all of them fail. */
const SETTINGS = {
  waves: ['10', '50%', '100%'],
  watchMs: 300,
  soakMs: 100,
  maxSoakMs: 200,
  deadlineMs: 3_600_000,
};

const EXPECTED = { good: 'done', bad: 'rolled-back' } as const;

const runsOf = ({ devices }: Simulation): number[] =>
  devices.map(({ runs }) => runs[0]?.version ?? 0);

test(`the server is killed ${KILLS} times in rollouts (FLOTILLA_SEED=${SEED})`, {
  timeout: 120_000 + KILLS * 8000,
}, async () => {
  const activations = countActivations();
  const { server, simulation } = await openWorld(activations.told);
  const first = await rollOut(server.api, 1, { ...SETTINGS, waves: ['100%'] });
  expect((await untilEnded(server.api, first, 60_000)).state).toBe('done');
  const random = seededRandom(SEED);
  let running = 1;
  for (let kills = 0, turn = 0; kills < KILLS; turn++) {
    const bad = turn % 3 === 2;
    const version = bad ? BAD : running === 1 ? 2 : 1;
    const id = await rollOut(server.api, version, SETTINGS);
    kills += await killUntilEnded(server, id, random, Math.min(MOST_IN_ONE, KILLS - kills));
    const { state, devices } = await untilEnded(server.api, id, 90_000);
    expect({ turn, state }).toEqual({ turn, state: bad ? EXPECTED.bad : EXPECTED.good });
    if (!bad) running = version;
    const stateOfAll = new Set(devices.map((one) => one.state));
    expect(stateOfAll).toEqual(new Set(bad ? ['failed', 'withdrawn'] : ['committed']));
    await until(`every device at version ${running}`, () =>
      runsOf(simulation).every((one) => one === running),
    );
    expect(activations.twice).toEqual([]);
  }
});

/** Kills the server at moments of chance while the rollout lasts, and starts it again at once. */
async function killUntilEnded(
  server: Server,
  rollout: string,
  random: () => number,
  most: number,
): Promise<number> {
  for (let kills = 0; kills < most; kills++) {
    await sleep(random() * LONGEST_LIFE_MS);
    if (ENDED.includes((await readRollout(server.api, rollout)).state)) return kills;
    await server.kill9();
    await server.restart();
  }
  return most;
}
