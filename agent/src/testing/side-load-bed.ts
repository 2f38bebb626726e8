/** Devices that bundles of toys are loaded into by hand. */
import { createSigner, generateKeyPair } from '@flotilla/protocol/node';
import { expect, vi } from 'vitest';
import {
  type Agent,
  addAnchor,
  type LoadRequest,
  type Storage,
  startAgent,
} from '../core/index.ts';
import { bundleFile, inPieces } from './bundle-files.ts';
import { bedOptions, bedPorts } from './core-bed.ts';
import { createPowerCutStorage } from './power-cut-storage.ts';
import { createTestFleet } from './test-fleet.ts';
import { makeToyBundle, type ToyModel } from './toy-model.ts';

export const fast = { interval: 1, timeout: 10_000 };
const input = { x: { type: 'FP32' as const, shape: [1], data: Float32Array.of(0) } };
export const signer = createSigner(generateKeyPair());

export async function file(model: ToyModel, by = signer, options = {}): Promise<Uint8Array> {
  return bundleFile(await makeToyBundle(model), by, { epoch: model.epoch ?? 0, ...options });
}

export const request = (bytes: Uint8Array, fields: Partial<LoadRequest> = {}): LoadRequest => ({
  source: inPieces(bytes),
  where: 'parts.flotilla',
  watchMs: 0,
  ...fields,
});

/** A device in no fleet that trusts the key. */
export async function alone(storage: Storage = createPowerCutStorage()): Promise<Agent> {
  const fleet = createTestFleet();
  await addAnchor(storage, signer, 'me', 0);
  const { identity: _none, ...options } = bedOptions(fleet);
  return startAgent(bedPorts(storage, fleet), { ...options, root: '' });
}

/** A device of a fleet that runs what the fleet wants. */
export async function inFleet(storage: Storage = createPowerCutStorage()) {
  const fleet = createTestFleet();
  await addAnchor(storage, signer, 'me', 0);
  const options = { ...bedOptions(fleet), telemetryOverrideMs: 100 };
  const agent = await startAgent(bedPorts(storage, fleet), options);
  const want = async (version: number, fields = {}) => {
    const bundle = await makeToyBundle({ version });
    fleet.publishBundle(bundle);
    const active = fleet.deployment(bundle, fields);
    fleet.want({ slots: [{ name: 'parts', mode: 'MODE_PRESENT', active }] });
    return active;
  };
  return { fleet, agent, storage, want };
}

export async function served(agent: Agent, slot = 'parts'): Promise<number> {
  const { outputs } = await agent.infer(slot, input);
  return Number(outputs.y?.data[0]);
}

export const serves = (agent: Agent, version: number) =>
  vi.waitFor(async () => {
    const { slots } = agent.status();
    expect(slots[0]?.active?.version).toBe(version);
    expect(slots[0]?.trial).toBeUndefined();
    expect(await served(agent)).toBe(version);
  }, fast);

export async function ending(agent: Agent, { deployment }: { deployment: string }) {
  return vi.waitFor(() => {
    const found = agent.status().attempts.find((attempt) => attempt.deployment === deployment);
    expect(found?.result).not.toBe('RESULT_IN_PROGRESS');
    return found;
  }, fast);
}
