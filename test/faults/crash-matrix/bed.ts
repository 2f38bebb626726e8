import { setTimeout as sleep } from 'node:timers/promises';
import { type Agent, type Storage, startAgent } from '@flotilla/agent';
import { bedOptions, bedPorts } from '../../../agent/src/testing/core-bed.ts';
import { createTestFleet, type TestFleet } from '../../../agent/src/testing/test-fleet.ts';
import { makeToyBundle } from '../../../agent/src/testing/toy-model.ts';

/** An agent in this process, with a fleet, a broker and a runtime that live here too. */
export interface Bed {
  readonly fleet: TestFleet;
  start(storage: Storage): Promise<Agent>;
  want(version: number, attempt?: number): Promise<void>;
}

const INPUT = { x: { type: 'FP32' as const, shape: [1], data: Float32Array.of(1) } };

export function createBed(): Bed {
  const fleet = createTestFleet();
  const options = bedOptions(fleet);
  const steps = { ...options.steps, loadTimeoutMs: 3_600_000 };
  let last: ReturnType<TestFleet['deployment']> = {};
  return {
    fleet,
    start(storage) {
      const ports = bedPorts(storage, fleet);
      const clock = { ...ports.clock, sleep: hurried(ports.clock.sleep) };
      return startAgent({ ...ports, clock }, { ...options, steps });
    },
    async want(version, attempt = 1) {
      if (attempt === 1) {
        const bundle = await makeToyBundle({ version });
        fleet.publishBundle(bundle);
        last = fleet.deployment(bundle, { watchMs: 3 });
      }
      const active = { ...last, attempt };
      fleet.want({ slots: [{ name: 'parts', mode: 'MODE_PRESENT', active }] });
    },
  };
}

/** The pauses before the plan is looked at again, and before what failed is tried again. */
const PAUSES_MS = [5_000, 15_000];

/** These pauses pass quickly. */
const hurried =
  (real: (milliseconds: number, signal?: AbortSignal) => Promise<void>) =>
  (milliseconds: number, signal?: AbortSignal) =>
    real(PAUSES_MS.includes(milliseconds) ? 30 : milliseconds, signal);

/** The version that answers. */
export async function ask(agent: Agent): Promise<number> {
  const { outputs } = await agent.infer('parts', INPUT);
  return Number(outputs.y?.data[0]);
}

export const runs = (agent: Agent, version: number): boolean => {
  const { active, trial } = agent.status().slots[0] ?? {};
  return active?.version === version && trial === undefined;
};

/** Waits until that version is committed and everything was told. */
export const settle = (agent: Agent, version: number): Promise<void> =>
  soon(
    `version ${version} to be committed`,
    () => runs(agent, version) && agent.status().outbox.pending === 0,
  );

const POLL_MS = 2;
const LONGEST_MS = 20_000;

/** Looks often: what happens in one process takes milliseconds. */
export async function soon(what: string, look: () => boolean): Promise<void> {
  const until = performance.now() + LONGEST_MS;
  while (!look()) {
    if (performance.now() > until) throw new Error(`${what}: not within ${LONGEST_MS} ms`);
    await sleep(POLL_MS);
  }
}
