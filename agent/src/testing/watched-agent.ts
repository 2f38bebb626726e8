import type { DeviceConfig, Draft } from '@flotilla/protocol';
import { vi } from 'vitest';
import { type Agent, type AgentOptions, type AgentPorts, startAgent } from '../core/index.ts';
import type { RawInputs } from '../core/serving/loaded-model.ts';
import { bedOptions, bedPorts } from './core-bed.ts';
import { createPowerCutStorage, type PowerCutStorage } from './power-cut-storage.ts';
import { createTestFleet, type TestFleet } from './test-fleet.ts';
import { makeToyBundle, type ToyModel } from './toy-model.ts';

/** An agent that runs version 1, with what a test says of its ports and settings. */
export interface WatchedAgent {
  readonly fleet: TestFleet;
  readonly agent: Agent;
  readonly storage: PowerCutStorage;
  /** Wants that model in the slot; resolves when the server has said so. */
  want(model: ToyModel, watchMs?: number, config?: Draft<DeviceConfig>): Promise<void>;
  /** Asks the slot, on an input that is not the golden one. */
  answer(): Promise<number>;
  /** The latest outcome, once there are so many. */
  outcome(count: number): Promise<ReturnType<TestFleet['outcomes']>[number] | undefined>;
  /** Resolves when that version serves. */
  serves(version: number): Promise<void>;
}

export interface WatchedOptions {
  readonly ports?: (ports: AgentPorts) => AgentPorts;
  readonly steps?: Partial<AgentOptions['steps']>;
}

const fast = { interval: 2, timeout: 20_000 };
const INPUT: RawInputs = { x: { type: 'FP32', shape: [1], data: Float32Array.of(1) } };

export async function startWatched({
  ports = (same) => same,
  steps = {},
}: WatchedOptions = {}): Promise<WatchedAgent> {
  const fleet = createTestFleet();
  const storage = createPowerCutStorage();
  const options = bedOptions(fleet);
  const agent = await startAgent(ports(bedPorts(storage, fleet)), {
    ...options,
    steps: { ...options.steps, ...steps },
  });
  const self: WatchedAgent = {
    fleet,
    agent,
    storage,
    async want(model, watchMs = 0, config = {}) {
      const bundle = await makeToyBundle(model);
      fleet.publishBundle(bundle);
      const active = fleet.deployment(bundle, { watchMs });
      fleet.want({ slots: [{ name: 'parts', mode: 'MODE_PRESENT', active }], config });
    },
    async answer() {
      const { outputs } = await agent.infer('parts', INPUT);
      return Number(outputs.y?.data[0]);
    },
    async outcome(count) {
      await vi.waitFor(() => {
        if (fleet.outcomes().length < count) throw new Error(`fewer than ${count} outcomes`);
      }, fast);
      return fleet.outcomes().at(-1);
    },
    async serves(version) {
      await vi.waitFor(() => {
        const serving = agent.model('parts')?.installed.version;
        if (serving !== version) throw new Error(`version ${serving} serves`);
      }, fast);
    },
  };
  await self.want({ version: 1 });
  await self.outcome(1);
  return self;
}
