import { rm } from 'node:fs/promises';
import { AGENT_SLOT, FlotillaError, newId } from '@flotilla/protocol';
import { hashFile } from '@flotilla/protocol/node';
import type { Builder, SourceUpload } from '../builds/builder.ts';
import { type BuildRequest, type BuildRow, insertBuild } from '../builds/store.ts';
import type { ServerContext } from '../context.ts';
import { readReports } from './reports.ts';
import { signVariants } from './sign.ts';
import { type BundleReport, commonVersion, type TakenBundle, takeBundle } from './take-bundles.ts';
import { MAX_MODEL_BYTES, MAX_UPLOAD_FILES, receiveUpload, type Upload } from './upload.ts';
import { registerVersion } from './versions.ts';

/** A push of a model as it comes in. */
export interface Push {
  readonly fleet: string;
  readonly model: string;
  readonly actor: string;
  readonly request: BuildRequest;
  /** A tar. */
  readonly content: AsyncIterable<Uint8Array>;
}

type Parts = Pick<
  ServerContext,
  'db' | 'dialect' | 'now' | 'changes' | 'artifacts' | 'trust' | 'config'
>;

/**
 * Receives a push and makes a version of it: of ready bundles at once, of a model by a build that
 * this answers before it ends. Nothing stays of a push that is refused.
 *
 * @throws FlotillaError `upload.invalid`, `request.too-large`, `request.conflict`, `bundle.invalid`
 */
export async function pushModel(parts: Parts, builder: Builder, push: Push): Promise<BuildRow> {
  const build = newId(parts.now());
  const folder = builder.folderOf(build);
  try {
    const upload = await receiveUpload(push.content, folder, {
      maxBytes: parts.config.maxUploadBytes,
      maxModelBytes: MAX_MODEL_BYTES,
      maxFiles: MAX_UPLOAD_FILES,
    });
    if (upload.kind === 'source') return await pushSource(parts, builder, build, push, upload);
    const row = await pushBundles(parts, build, push, upload);
    await rm(folder, { recursive: true, force: true });
    return row;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function pushSource(
  parts: Parts,
  builder: Builder,
  build: string,
  push: Push,
  upload: SourceUpload,
): Promise<BuildRow> {
  const { fleet, model, actor, request } = push;
  if (model === AGENT_SLOT) {
    const reason = `goes into ${AGENT_SLOT}, which takes releases of the agent only: give it another name`;
    throw new FlotillaError('upload.invalid', { where: 'the model', reason });
  }
  await builder.prepare(build, upload);
  const sourceDigest = await hashFile(upload.modelFile);
  const row = await parts.db.transaction().execute(async (trx) => {
    const order = { fleet, model, sourceDigest, status: 'building', actor } as const;
    const { version } = await registerVersion(parts, trx, order);
    const queued = { fleet, model, version, request, build, status: 'queued' } as const;
    return insertBuild(trx, queued, parts.now());
  });
  builder.enqueue(row);
  return row;
}

async function pushBundles(
  parts: Parts,
  build: string,
  push: Push,
  upload: Extract<Upload, { kind: 'bundles' }>,
): Promise<BuildRow> {
  const { fleet, model, actor, request } = push;
  const reportOf = await readReports(upload.reports);
  const taken: { bundle: TakenBundle; report: BundleReport }[] = [];
  for (const file of upload.bundles) {
    const bundle = await takeBundle(parts.artifacts, file);
    taken.push({ bundle, report: reportOf(bundle.digest) });
  }
  const { version, sourceDigest } = commonVersion(
    model,
    taken.map(({ bundle }) => bundle),
  );
  const row = await parts.db.transaction().execute(async (trx) => {
    const order = { fleet, model, version, sourceDigest, status: 'ready', actor } as const;
    await registerVersion(parts, trx, order);
    await signVariants(parts, trx, fleet, taken);
    const done = { fleet, model, version, request, build, status: 'succeeded' } as const;
    return insertBuild(trx, done, parts.now());
  });
  parts.changes.emit({
    topic: 'build',
    fleet,
    id: build,
    data: { model, version, status: 'succeeded' },
  });
  return row;
}
