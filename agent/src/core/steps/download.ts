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
import { withRoom } from './room.ts';

/** Brings the bundle's manifest and blobs to the store, once signed metadata allows it. */
export async function download(
  context: StepContext,
  { deployment }: StepOf<'download'>,
  signal: AbortSignal,
): Promise<void> {
  const { journal, blobs } = context;
  await journal.update((draft) => {
    attemptIn(draft, deployment);
    draft.bundles[deployment.digest] ??= 'partial';
  });
  const length = await retry(context, context.settings.download, signal, () =>
    authorizeInstall(context, deployment, signal),
  );
  const manifest = { mediaType: '', digest: deployment.digest, size: length };
  if (length > MAX_MANIFEST_BYTES) throw tooLong(deployment, length);
  await fetchAll(context, deployment, [manifest], signal);
  const bytes = (await blobs.read(deployment.digest)) ?? new Uint8Array();
  const parts = blobsOf(parseManifest(bytes, deployment.digest));
  await withRoom(context, deployment.digest, parts, () =>
    fetchAll(context, deployment, parts, signal),
  );
  await journal.update((draft) => {
    attemptIn(draft, deployment).stage = 'downloaded';
    draft.bundles[deployment.digest] = 'complete';
  });
}

async function fetchAll(
  context: StepContext,
  deployment: WantedDeployment,
  parts: readonly Descriptor[],
  signal: AbortSignal,
): Promise<void> {
  const bytesTotal = parts.reduce((sum, { size }) => sum + size, 0);
  const tell = throttle(context, deployment, bytesTotal);
  const { base, own } = blobPlace(deployment.url, context.identity.api);
  const authorize = own ? context.authorize : async () => ({});
  let before = 0;
  for (const { digest, size } of parts) {
    await fetchBlob(
      { ...context, authorize, download: context.settings.download },
      {
        url: `${base}/${digest}`,
        digest,
        size,
        signal,
        onBytes: (done) => tell(before + done),
      },
    );
    before += size;
  }
}

/** Reports progress now and then, never the last byte: the next step says that. */
function throttle(
  context: StepContext,
  { id, attempt, slot, digest }: WantedDeployment,
  bytesTotal: number,
) {
  let toldMs = context.clock.monotonic();
  return (bytesDone: number) => {
    const nowMs = context.clock.monotonic();
    if (bytesDone >= bytesTotal || nowMs - toldMs < context.settings.progressEveryMs) return;
    toldMs = nowMs;
    const figures = { step: 'download', slot, digest, bytesDone, bytesTotal };
    // a report that cannot be stored must not stop the download
    context.progress({ deployment: id, attempt, ...figures }).catch(() => undefined);
  };
}

const tooLong = ({ digest }: WantedDeployment, length: number) =>
  new FlotillaError('bundle.invalid', {
    where: digest,
    reason: `its manifest has ${length} bytes`,
  });
