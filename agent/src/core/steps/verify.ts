import { whyNoneFits } from '@flotilla/model';
import { blobsOf, FlotillaError, parseManifest, targetPath } from '@flotilla/protocol';
import { eachChunk } from '../fetch-blob.ts';
import type { StepOf } from '../plan.ts';
import { readBundle, type StoredBundle } from '../serving/bundle.ts';
import type { WantedDeployment } from '../state.ts';
import { attemptIn, type StepContext } from './context.ts';

/** Reads every byte of the bundle again, from the medium, and checks that it fits this device. */
export async function verify(
  context: StepContext,
  { deployment }: StepOf<'verify'>,
  signal: AbortSignal,
): Promise<void> {
  const { blobs, journal } = context;
  await verifyBlobs(context, deployment.digest, signal);
  const bundle = await readBundle(blobs, deployment.digest);
  checkIdentity(bundle, deployment);
  await checkFit(context, bundle);
  await journal.update((draft) => {
    attemptIn(draft, deployment).stage = 'verified';
  });
}

/**
 * Reads every blob of a bundle from the medium.
 *
 * @throws FlotillaError `bundle.digest-mismatch`
 */
export async function verifyBlobs(
  context: StepContext,
  bundle: string,
  signal: AbortSignal,
): Promise<void> {
  const manifest = (await context.blobs.read(bundle)) ?? new Uint8Array();
  const parts = blobsOf(parseManifest(manifest, bundle));
  for (const digest of [bundle, ...parts.map((part) => part.digest)]) {
    await verifyBlob(context, digest);
    signal.throwIfAborted();
  }
}

async function verifyBlob({ storage, blobs, sha256 }: StepContext, expected: string) {
  const hash = sha256();
  await eachChunk(storage, blobs.path(expected), (chunk) => hash.update(chunk));
  const actual = hash.digest();
  if (actual === expected) return;
  // the next attempt fetches it anew
  await storage.remove(blobs.path(expected));
  throw new FlotillaError('bundle.digest-mismatch', { where: 'stored blob', expected, actual });
}

/**
 * The bundle must be what the deployment calls it: signed metadata names it by this path. A slot
 * takes one model, so that whoever carries the desired state, which says the slot, cannot put one
 * model of a device in the place of another; a person who stands at it may.
 */
function checkIdentity({ digest, config }: StoredBundle, deployment: WantedDeployment): void {
  const refuse = (reason: string): never => {
    throw new FlotillaError('bundle.invalid', { where: digest, reason });
  };
  const path = targetPath(config);
  if (path !== deployment.targetPath) refuse(`it is ${path}, not ${deployment.targetPath}`);
  if (config.model !== deployment.slot && !deployment.local) {
    refuse(`it holds the model ${config.model}, and slot ${deployment.slot} takes no other`);
  }
}

async function checkFit({ runtimes, device }: StepContext, bundle: StoredBundle): Promise<void> {
  const { model, version, memoryBytes, runtime: need } = bundle.config;
  const unfit = (reason: string) =>
    new FlotillaError('deployment.unfit', { bundle: `${model}@${version}`, reason });
  const obstacle = whyNoneFits(runtimes, need);
  if (obstacle !== undefined) throw unfit(obstacle);
  const capabilities = await device.capabilities();
  if (capabilities.memoryBytes > 0 && memoryBytes > capabilities.memoryBytes) {
    throw unfit(`it needs ${memoryBytes} bytes of memory of ${capabilities.memoryBytes}`);
  }
}
