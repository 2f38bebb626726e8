import { expect, onTestFinished, vi } from 'vitest';
import { type Agent, type AgentOptions, type AgentPorts, startAgent } from '../core/index.ts';
import { bedOptions, bedPorts } from './core-bed.ts';
import { createPowerCutStorage, type PowerCutStorage } from './power-cut-storage.ts';
import type { TestFleet } from './test-fleet.ts';
import { makeToyBundle, type ToyBundle, type ToyModel } from './toy-model.ts';

export interface ToyAgentOptions {
  /** Default: an empty one. */
  readonly storage?: PowerCutStorage;
  readonly ports?: (ports: AgentPorts) => AgentPorts;
  readonly options?: Partial<AgentOptions>;
}

/** What happens in one process takes milliseconds. */
export const fast = { interval: 2, timeout: 10_000 };

const INPUT = { x: { type: 'FP32' as const, shape: [1], data: Float32Array.of(1) } };

/** Starts an agent that stops when the test ends; `log` is what it says. */
export async function startToyAgent(
  fleet: TestFleet,
  { storage = createPowerCutStorage(), ports = (same) => same, options = {} }: ToyAgentOptions = {},
): Promise<Agent & { readonly log: readonly string[] }> {
  const log: string[] = [];
  const agent = await startAgent(ports(bedPorts(storage, fleet, log)), {
    ...bedOptions(fleet),
    ...options,
  });
  onTestFinished(() => agent.stop().catch(() => undefined));
  return Object.assign(agent, { log });
}

/** Makes a bundle that the fleet has from then on. */
export async function publish(fleet: TestFleet, model: ToyModel): Promise<ToyBundle> {
  const bundle = await makeToyBundle(model);
  fleet.publishBundle(bundle);
  return bundle;
}

/** The slot `parts` with that deployment, as the fleet wants it. */
export const present = (active: object) => ({
  name: 'parts',
  mode: 'MODE_PRESENT' as const,
  active,
});

/** The version that answers in the slot `parts`. */
export async function answer(agent: Agent): Promise<number> {
  const { outputs } = await agent.infer('parts', INPUT);
  return Number(outputs.y?.data[0]);
}

/** Waits until the fleet was told of so many outcomes. */
export const ended = (fleet: TestFleet, count: number): Promise<void> =>
  vi.waitFor(() => expect(fleet.outcomes().length).toBeGreaterThanOrEqual(count), fast);
