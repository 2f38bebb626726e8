import {
  type BundleConfig,
  blobsOf,
  type Descriptor,
  FlotillaError,
  MEDIA,
  openBundle,
  targetPath,
} from '@flotilla/protocol';
import { readBundleFile } from '@flotilla/protocol/node';
import type { Kysely } from 'kysely';
import type { ServerContext } from '../context.ts';
import type { Database } from '../db/schema.ts';
import type { ArtifactStore } from './artifacts.ts';
import type { VariantRow } from './versions.ts';

/** A bundle whose blobs are in the artifact store, not yet known to any fleet. */
export interface TakenBundle {
  readonly digest: string;
  readonly config: BundleConfig;
  /** Every blob, the manifest first. */
  readonly blobs: readonly Descriptor[];
}

/**
 * Checks a bundle file byte by byte and takes its blobs into the artifact store.
 *
 * @throws FlotillaError `bundle.invalid`, `bundle.digest-mismatch`
 */
export async function takeBundle(artifacts: ArtifactStore, file: string): Promise<TakenBundle> {
  const { manifestBytes, digest, blobs } = await readBundleFile(file, { maxBytes: 3 * 2 ** 30 });
  for (const [blobDigest, bytes] of blobs) await artifacts.put(blobDigest, bytes);
  await artifacts.put(digest, manifestBytes);
  const manifest = { mediaType: MEDIA.manifest, digest, size: manifestBytes.length };
  const configBytes = blobs.get(configDigest(manifestBytes));
  const bundle = await openBundle(manifestBytes, configBytes ?? new Uint8Array(), file);
  return { digest, config: bundle.config, blobs: [manifest, ...blobsOf(bundle.manifest)] };
}

function configDigest(manifestBytes: Uint8Array): string {
  const { config } = JSON.parse(new TextDecoder().decode(manifestBytes)) as {
    config: { digest: string };
  };
  return config.digest;
}

/** What is known of a bundle beside its content. */
export interface BundleReport {
  readonly withinBudget: boolean;
  /** `VariantReport` of converters, or `{}`. */
  readonly report: unknown;
}

/** Makes bundles variants of their fleet, within the caller's transaction. */
export async function addVariants(
  parts: Pick<ServerContext, 'now'>,
  trx: Kysely<Database>,
  fleet: string,
  taken: readonly { readonly bundle: TakenBundle; readonly report: BundleReport }[],
): Promise<VariantRow[]> {
  const now = parts.now();
  const rows: VariantRow[] = [];
  for (const { bundle, report } of taken) {
    for (const { digest, size, mediaType } of bundle.blobs) {
      await trx
        .insertInto('blobs')
        .values({ fleet, digest, size, media_type: mediaType, created_ms: now })
        .onConflict((on) => on.columns(['fleet', 'digest']).doNothing())
        .execute();
    }
    const row = toRow(fleet, bundle, report, now);
    await trx.insertInto('variants').values(row).execute();
    rows.push(row);
  }
  return rows;
}

function toRow(
  fleet: string,
  { digest, config, blobs }: TakenBundle,
  { withinBudget, report }: BundleReport,
  now: number,
): VariantRow {
  return {
    fleet,
    model: config.model,
    version: config.version,
    target: config.target,
    precision: config.precision,
    digest,
    manifest_bytes: blobs[0]?.size ?? 0,
    bytes: blobs.reduce((sum, blob) => sum + blob.size, 0),
    memory_bytes: config.memoryBytes,
    opset: config.runtime.opset,
    target_path: targetPath(config),
    epoch: config.epoch,
    within_budget: withinBudget ? 1 : 0,
    report: JSON.stringify(report),
    created_ms: now,
  };
}

/**
 * The one model and version that all bundles of a push are of.
 *
 * @throws FlotillaError `upload.invalid`
 */
export function commonVersion(
  model: string,
  bundles: readonly TakenBundle[],
): { readonly version: number; readonly sourceDigest: string } {
  const paths = new Set<string>();
  for (const { config } of bundles) {
    const where = targetPath(config);
    if (config.model !== model)
      throw invalid(where, `is of model ${config.model}, not of ${model}`);
    if (config.version !== bundles[0]?.config.version)
      throw invalid(where, 'is of another version');
    if (paths.has(where)) throw invalid(where, 'comes twice');
    paths.add(where);
  }
  const { version = 1, sourceDigest = '' } = bundles[0]?.config ?? {};
  return { version, sourceDigest };
}

const invalid = (where: string, reason: string) =>
  new FlotillaError('upload.invalid', { where, reason });
