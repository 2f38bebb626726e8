import { AUTO_PROVIDERS } from '@flotilla/model';
import { findRuntimes, sharpDecoder } from '@flotilla/model/node';
import { type LoadedModel, loadCommitted } from '../core/index.ts';
import type { NodeAgentOptions } from './create-agent.ts';
import { createFileStorage } from './file-storage.ts';
import { createRuntimeCache } from './runtime-cache.ts';
import { systemClock } from './system-clock.ts';

/**
 * The committed model of a slot in this process, while no agent runs on the folder.
 *
 * @throws FlotillaError `infer.no-slot`, and why it does not load
 */
export async function openCommitted(slot: string, options: NodeAgentOptions): Promise<LoadedModel> {
  const { data, threads = 1, providers = [AUTO_PROVIDERS] } = options;
  const { runtimes } = await findRuntimes(options);
  const ports = {
    storage: createFileStorage(data),
    runtimes,
    runtimeCache: createRuntimeCache(data),
    decoder: sharpDecoder(),
    clock: systemClock,
    loadOptions: { threads, providers },
    // one call after the other
    serving: { maxBatch: 1, delayMs: 0, maxQueue: 1 },
  };
  return loadCommitted(ports, slot);
}
