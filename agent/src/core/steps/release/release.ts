import { FlotillaError, openRelease, parseManifest, type Release } from '@flotilla/protocol';
import { loadLaunch } from '../../self-update/launch-file.ts';
import type { WantedDeployment } from '../../state.ts';
import type { StepContext } from '../context.ts';

/**
 * The release of a bundle in the store.
 *
 * @throws FlotillaError `bundle.invalid`
 */
export async function readRelease(
  { blobs }: Pick<StepContext, 'blobs'>,
  digest: string,
): Promise<Release> {
  const read = async (blob: string, what: string) => {
    const bytes = await blobs.read(blob);
    if (bytes !== undefined) return bytes;
    throw new FlotillaError('bundle.invalid', { where: digest, reason: `its ${what} is missing` });
  };
  const manifest = await read(digest, 'manifest');
  const config = await read(parseManifest(manifest, digest).config.digest, 'config');
  return openRelease(manifest, config, digest);
}

/**
 * An agent that nothing starts anew cannot be replaced: that is said before anything is fetched.
 *
 * @throws FlotillaError `update.no-launcher`
 */
export function needLauncher({ updater }: Pick<StepContext, 'updater'>): void {
  if (updater.obstacle === undefined) return;
  throw new FlotillaError('update.no-launcher', { reason: updater.obstacle });
}

/**
 * Whether the agent that runs, and is proven, is of that release already: after a way back, the
 * server asks once more for what it went back to.
 */
export async function runsAlready(
  { journal, storage, updater }: Pick<StepContext, 'journal' | 'storage' | 'updater'>,
  { slot, digest }: WantedDeployment,
): Promise<boolean> {
  const { active, trial } = await loadLaunch(storage);
  const here = updater.place !== 'installed' && active === updater.place && trial === undefined;
  return here && journal.state.slots[slot]?.active?.digest === digest;
}
