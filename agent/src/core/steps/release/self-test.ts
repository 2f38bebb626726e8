import { FlotillaError } from '@flotilla/protocol';
import type { StepOf } from '../../plan.ts';
import { loadLaunch } from '../../self-update/launch-file.ts';
import { freePlace } from '../../self-update/launch-state.ts';
import { attemptIn, type StepContext } from '../context.ts';
import { needLauncher, readRelease, runsAlready } from './release.ts';

/** Unpacks the release beside the agent that runs, and has it look at this device's data. */
export async function selfTestRelease(
  context: StepContext,
  { deployment }: StepOf<'selfTest'>,
  signal: AbortSignal,
): Promise<void> {
  needLauncher(context);
  if (!(await runsAlready(context, deployment)))
    await tryRelease(context, deployment.digest, signal);
  await context.journal.update((draft) => {
    attemptIn(draft, deployment).stage = 'tested';
  });
}

async function tryRelease(
  context: StepContext,
  digest: string,
  signal: AbortSignal,
): Promise<void> {
  const { blobs, storage, updater } = context;
  const { config, manifest } = await readRelease(context, digest);
  const place = freePlace(updater.place, await loadLaunch(storage));
  await updater.discard(place);
  const free = await storage.free();
  const needed = config.unpackedBytes;
  if (needed > free) {
    throw new FlotillaError('download.disk-full', { needed, missing: needed - free });
  }
  const layers = manifest.layers.map(({ digest }) => blobs.path(digest));
  await updater.install(place, layers, config, signal);
  const { version, protocolMinor } = await updater.check(place, signal);
  if (version !== config.version || protocolMinor !== config.protocolMinor) {
    const reason = `it says that it is ${version} with protocol 1.${protocolMinor}, and its release ${config.version} with 1.${config.protocolMinor}`;
    throw new FlotillaError('update.check-failed', { place, reason });
  }
}
