import { FlotillaError } from '@flotilla/protocol';
import type { Clock } from '../ports.ts';
import type { Installed } from '../state.ts';
import type { Footprint } from './footprint.ts';
import type { LoadedModel } from './loaded-model.ts';

export interface LoadOrder {
  /** Gives the load up at once. */
  readonly signal?: AbortSignal;
  /** Takes a model that came after the load was given up; left out, it is let go. */
  late?(model: LoadedModel): void;
}

/**
 * Loads a model, and gives up where that takes too long or is wanted no more: native code that
 * hangs cannot be interrupted, so the thread that it holds is left behind.
 *
 * @throws FlotillaError `deployment.load-timeout`, and what loading throws
 */
export type GuardedLoad = (
  slot: string,
  installed: Installed,
  order?: LoadOrder,
) => Promise<LoadedModel>;

export function guardLoad(
  load: (slot: string, installed: Installed) => Promise<LoadedModel>,
  clock: Pick<Clock, 'sleep'>,
  footprint: Footprint,
  timeoutMs: number,
): GuardedLoad {
  return async (slot, installed, { signal, late = letGo } = {}) => {
    signal?.throwIfAborted();
    const ended = footprint.loads(slot);
    const loading = load(slot, installed).finally(ended);
    const over = new AbortController();
    const either = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
    const timer = clock.sleep(timeoutMs, either).then(() => undefined);
    const model = await Promise.race([loading, timer]).finally(() => over.abort());
    if (model !== undefined) return model;
    loading.then(late).catch(() => undefined);
    signal?.throwIfAborted();
    const bundle = `${installed.model}@${installed.version}`;
    throw new FlotillaError('deployment.load-timeout', { bundle, seconds: timeoutMs / 1000 });
  };
}

function letGo(model: LoadedModel): void {
  model.dispose().catch(() => undefined);
}
