import {
  AGENT_SLOT,
  type BundleConfig,
  blobsOf,
  type Descriptor,
  FlotillaError,
  isRelease,
  MEDIA,
  openBundle,
  openRelease,
  parseManifest,
  platformOf,
  type ReleaseConfig,
  releasePath,
  targetPath,
  whyIncompatible,
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
  /** As the row of its variant has it; target and precision are those of a release's platform. */
  readonly variant: Pick<
    VariantRow,
    | 'model'
    | 'version'
    | 'target'
    | 'precision'
    | 'memory_bytes'
    | 'opset'
    | 'target_path'
    | 'epoch'
  >;
  readonly sourceDigest: string;
  /** Every blob, the manifest first. */
  readonly blobs: readonly Descriptor[];
  /** Of a release of the agent. */
  readonly release?: ReleaseConfig;
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
  const parsed = parseManifest(manifestBytes, file);
  const manifest = { mediaType: MEDIA.manifest, digest, size: manifestBytes.length };
  const taken = { digest, blobs: [manifest, ...blobsOf(parsed)] };
  const configBytes = blobs.get(parsed.config.digest) ?? new Uint8Array();
  if (isRelease(parsed)) {
    const { config } = await openRelease(manifestBytes, configBytes, file);
    const sourceDigest = parsed.layers.at(-1)?.digest ?? '';
    return { ...taken, variant: releaseVariant(config), sourceDigest, release: config };
  }
  const { config } = await openBundle(manifestBytes, configBytes, file);
  return { ...taken, variant: modelVariant(config), sourceDigest: config.sourceDigest };
}

const modelVariant = (config: BundleConfig): TakenBundle['variant'] => ({
  model: config.model,
  version: config.version,
  target: config.target,
  precision: config.precision,
  memory_bytes: config.memoryBytes,
  opset: config.runtime.opset,
  target_path: targetPath(config),
  epoch: config.epoch,
});

/** What the agent calls itself stands in the place of the precision. */
const releaseVariant = (config: ReleaseConfig): TakenBundle['variant'] => ({
  model: AGENT_SLOT,
  version: config.release,
  target: platformOf(config),
  precision: config.version,
  memory_bytes: 0,
  opset: 0,
  target_path: releasePath(config),
  epoch: config.epoch,
});

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
  { digest, variant, blobs, release }: TakenBundle,
  { withinBudget, report }: BundleReport,
  now: number,
): VariantRow {
  return {
    fleet,
    ...variant,
    digest,
    manifest_bytes: blobs[0]?.size ?? 0,
    bytes: blobs.reduce((sum, blob) => sum + blob.size, 0),
    within_budget: withinBudget ? 1 : 0,
    report: JSON.stringify(release === undefined ? report : { release }),
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
  for (const { variant, release } of bundles) {
    const where = variant.target_path;
    if (variant.model !== model)
      throw invalid(where, `is of model ${variant.model}, not of ${model}`);
    if (variant.version !== bundles[0]?.variant.version)
      throw invalid(where, 'is of another version');
    if (paths.has(where)) throw invalid(where, 'comes twice');
    paths.add(where);
    const obstacle = release && whyIncompatible(release.protocolMinor);
    if (obstacle !== undefined) throw invalid(where, `would not be managed here: ${obstacle}`);
  }
  const [first] = bundles;
  return { version: first?.variant.version ?? 1, sourceDigest: first?.sourceDigest ?? '' };
}

const invalid = (where: string, reason: string) =>
  new FlotillaError('upload.invalid', { where, reason });
