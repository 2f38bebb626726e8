/** What lies on the disk of a device, read while no agent runs on it. */
import { FlotillaError } from '@flotilla/protocol';
import { openBlobStore } from './blobs.ts';
import { openJournal } from './journal.ts';
import type { Storage } from './ports.ts';
import { readBundle } from './serving/bundle.ts';
import { type LoadedModel, type LoadPorts, loadModel } from './serving/loaded-model.ts';
import type { Installed } from './state.ts';
import { type StoredStatus, storedStatus } from './status.ts';

/** Whether a slot runs a model, or one is on its way. */
export async function hasModels(storage: Storage): Promise<boolean> {
  const { state } = await openJournal(storage, '');
  return [state.slots, state.loading ?? {}].some((slots) => Object.keys(slots).length > 0);
}

/** @throws FlotillaError `agent.data-corrupt`, `agent.data-newer` */
export async function readStored(storage: Storage): Promise<StoredStatus> {
  const { state } = await openJournal(storage, '');
  return storedStatus(state);
}

/**
 * Loads what a slot runs when nothing is on trial.
 *
 * @throws FlotillaError `infer.no-slot`, and why it does not load
 */
export async function loadCommitted(
  ports: Omit<LoadPorts, 'blobs'> & { readonly storage: Storage },
  slot: string,
): Promise<LoadedModel> {
  const active = await committedIn(ports.storage, slot);
  return loadModel({ ...ports, blobs: await openBlobStore(ports.storage) }, slot, active);
}

/**
 * The bundle that a slot runs, and where its model and its golden samples lie in the storage.
 *
 * @throws FlotillaError `infer.no-slot`, `bundle.invalid`
 */
export async function committedBundle(storage: Storage, slot: string) {
  const { digest } = await committedIn(storage, slot);
  const blobs = await openBlobStore(storage);
  const bundle = await readBundle(blobs, digest);
  const paths = {
    model: blobs.path(bundle.model.digest),
    golden: blobs.path(bundle.golden.digest),
  };
  return { bundle, paths };
}

async function committedIn(storage: Storage, slot: string): Promise<Installed> {
  const { state } = await openJournal(storage, '');
  const active = Object.hasOwn(state.slots, slot) ? state.slots[slot]?.active : undefined;
  if (active === undefined) {
    const known = Object.keys(state.slots).sort().join(', ') || 'none yet';
    throw new FlotillaError('infer.no-slot', { slot: slot.slice(0, 80), known });
  }
  return active;
}
