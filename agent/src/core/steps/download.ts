import {
  blobsOf,
  type Descriptor,
  FlotillaError,
  MAX_MANIFEST_BYTES,
  parseManifest,
} from '@flotilla/protocol';
import { fetchBlob } from '../fetch-blob.ts';
import type { StepOf } from '../plan.ts';
import { retry } from '../retry.ts';
import type { WantedDeployment } from '../state.ts';
import { authorizeInstall } from '../trust.ts';
import { blobPlace } from './blob-place.ts';
import { attemptIn, type StepContext } from './context.ts';
import { fetchDelta, findBases } from './delta.ts';
import { withRoom } from './room.ts';
import { addTally, createTransfer, type Transferring } from './transferring.ts';

/** Blobs up to this size are fetched whole where only deltas may be: a delta would save little. */
const SMALL_BYTES = 64 << 10;

/**
 * Brings the bundle's manifest and blobs to the store, once signed metadata allows it. What it took
 * from the network is journalled however it ends.
 */
export async function download(
  context: StepContext,
  { deployment }: StepOf<'download'>,
  signal: AbortSignal,
): Promise<void> {
  const { journal } = context;
  await journal.update((draft) => {
    attemptIn(draft, deployment);
    draft.bundles[deployment.digest] ??= 'partial';
  });
  const transfer = createTransfer(context, deployment);
  try {
    await fetchBundle(context, deployment, transfer, signal);
  } catch (error) {
    if (transfer.tally.bytes > 0) await journal.update((draft) => addTally(draft, transfer));
    throw error;
  }
  await journal.update((draft) => {
    addTally(draft, transfer);
    attemptIn(draft, deployment).stage = 'downloaded';
    draft.bundles[deployment.digest] = 'complete';
  });
}

async function fetchBundle(
  context: StepContext,
  deployment: WantedDeployment,
  transfer: Transferring,
  signal: AbortSignal,
): Promise<void> {
  const { blobs } = context;
  await transfer.gate.pass('small', signal);
  signal.throwIfAborted();
  const length = await retry(context, context.settings.download, signal, () =>
    authorizeInstall(context, deployment, signal),
  );
  const manifest = { mediaType: '', digest: deployment.digest, size: length };
  if (length > MAX_MANIFEST_BYTES) throw tooLong(deployment, length);
  await fetchAll(context, transfer, [manifest], signal);
  const bytes = (await blobs.read(deployment.digest)) ?? new Uint8Array();
  const parts = blobsOf(parseManifest(bytes, deployment.digest));
  await withRoom(context, deployment.digest, parts, () =>
    fetchAll(context, transfer, parts, signal),
  );
}

async function fetchAll(
  context: StepContext,
  transfer: Transferring,
  parts: readonly Descriptor[],
  signal: AbortSignal,
): Promise<void> {
  const { base, own } = blobPlace(transfer.deployment.url, context.identity.api);
  const authorize = own ? context.authorize : async () => ({});
  const source = { ...context, authorize, download: context.settings.download };
  transfer.progress.begin(parts.reduce((sum, { size }) => sum + size, 0));
  const bases = own
    ? await findBases(context, transfer.deployment.slot, parts)
    : new Map<string, string>();
  const place = `${context.identity.api}/api/1/fleets/${context.identity.fleet}/deltas`;
  const { unpack } = context;
  let before = 0;
  for (const part of parts) {
    const { digest, size } = part;
    // a bundle of another slot may have the same blob under way
    await context.blobs.inTurn(digest, signal, async () => {
      const from = bases.get(digest);
      const worth = size > SMALL_BYTES && (await isMostlyMissing(context, part));
      if (from !== undefined && unpack !== undefined && worth) {
        const request = { place, from, to: part, unpack, signal };
        const why = await fetchDelta(context, source, transfer, request);
        if (why !== undefined) transfer.tally.fallbacks.push(`no delta: ${why}`);
      }
      const url = `${base}/${digest}`;
      const flow = transfer.flow(size <= SMALL_BYTES ? 'small' : 'whole');
      const onBytes = (done: number) => transfer.progress.reach(before + done);
      await fetchBlob(source, { url, digest, size, signal, flow, onBytes });
    });
    before += size;
  }
}

/** What is more than half there is ended as it was begun. */
async function isMostlyMissing({ blobs, storage }: StepContext, { digest, size }: Descriptor) {
  if (await blobs.has(digest)) return false;
  return ((await storage.size(blobs.partPath(digest))) ?? 0) < size / 2;
}

const tooLong = ({ digest }: WantedDeployment, length: number) =>
  new FlotillaError('bundle.invalid', {
    where: digest,
    reason: `its manifest has ${length} bytes`,
  });
