/** Releases of the agent: they travel as bundles do, signed alike, into the slot `_agent`. */
import { canonicalize } from '@tufjs/canonical-json';
import { type Static, Type } from 'typebox';
import {
  type BundleContent,
  type BundleManifest,
  checkConfig,
  type Descriptor,
  isRelease,
  MAX_MANIFEST_BYTES,
  MEDIA,
  parseManifest,
} from './bundle.ts';
import { parseChecked } from './checked-json.ts';
import { type Digest, sha256 } from './digest.ts';
import { FlotillaError } from './error.ts';

/**
 * Parts of an agent's package, each a tar compressed with zstd. Apart, so that a device fetches
 * anew only what changed: Node and the native libraries stay the same over many releases.
 */
export const RELEASE_LAYERS = {
  /** `bin/` */
  node: 'application/vnd.flotilla.agent.node.v1.tar+zstd',
  /** `lib/node_modules/` */
  libraries: 'application/vnd.flotilla.agent.libraries.v1.tar+zstd',
  /** All else. */
  program: 'application/vnd.flotilla.agent.program.v1.tar+zstd',
} as const;
export type ReleaseLayer = keyof typeof RELEASE_LAYERS;

/** Files of a package, and bytes of all of them, that a device unpacks. */
export const MAX_RELEASE_FILES = 5_000;
const MAX_UNPACKED_BYTES = 2 ** 31;

const configSchema = Type.Object({
  formatVersion: Type.Literal(1),
  kind: Type.Literal('agent'),
  release: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }),
  // a segment of a target path
  version: Type.String({ pattern: '^[0-9A-Za-z][0-9A-Za-z._-]{0,62}$' }),
  os: Type.Literal('linux'),
  arch: Type.Union([Type.Literal('x64'), Type.Literal('arm64')]),
  libc: Type.Literal('glibc'),
  protocolMinor: Type.Integer({ minimum: 0, maximum: 1_000_000 }),
  files: Type.Integer({ minimum: 1, maximum: MAX_RELEASE_FILES }),
  unpackedBytes: Type.Integer({ minimum: 1, maximum: MAX_UNPACKED_BYTES }),
  epoch: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
});

/**
 * What a release says of itself. `release` is the number that rollouts name (`_agent@N`), `version`
 * what the agent calls itself; `files` and `unpackedBytes` are what its layers hold.
 */
export type ReleaseConfig = Static<typeof configSchema>;

export interface Release {
  readonly manifest: BundleManifest;
  readonly config: ReleaseConfig;
}

/** What a release runs on, as a target is named: `linux-arm64`. */
export const platformOf = ({ os, arch }: Pick<ReleaseConfig, 'os' | 'arch'>): string =>
  `${os}-${arch}`;

/**
 * TUF target path of a release. No model's path begins like that: names of models are lower case,
 * and a path segment cannot begin with the slot's underscore.
 */
export const releasePath = (config: ReleaseConfig): string =>
  `AGENT/${config.release}/${platformOf(config)}/${config.version}`;

/** Makes manifest and blobs of a release; same layers give same bytes. */
export async function makeRelease(
  config: ReleaseConfig,
  layers: Readonly<Record<ReleaseLayer, Uint8Array>>,
): Promise<BundleContent> {
  const blobs = new Map<Digest, Uint8Array>();
  const add = async (mediaType: string, bytes: Uint8Array): Promise<Descriptor> => {
    const descriptor = { mediaType, digest: await sha256(bytes), size: bytes.length };
    blobs.set(descriptor.digest, bytes);
    return descriptor;
  };
  const utf8 = new TextEncoder();
  const configBytes = utf8.encode(canonicalize(config));
  parseReleaseConfig(configBytes, 'release');
  const manifest: BundleManifest = {
    schemaVersion: 2,
    mediaType: MEDIA.manifest,
    artifactType: MEDIA.release,
    config: await add(MEDIA.releaseConfig, configBytes),
    layers: [
      await add(RELEASE_LAYERS.node, layers.node),
      await add(RELEASE_LAYERS.libraries, layers.libraries),
      await add(RELEASE_LAYERS.program, layers.program),
    ],
  };
  const manifestBytes = utf8.encode(canonicalize(manifest));
  return { manifestBytes, digest: await sha256(manifestBytes), blobs };
}

/**
 * A release from its manifest and the config blob that the manifest names.
 *
 * @throws FlotillaError `bundle.invalid`, `bundle.digest-mismatch`
 */
export async function openRelease(
  manifestBytes: Uint8Array,
  configBytes: Uint8Array,
  where: string,
): Promise<Release> {
  const manifest = parseManifest(manifestBytes, where);
  const invalid = (reason: string) => new FlotillaError('bundle.invalid', { where, reason });
  if (!isRelease(manifest)) throw invalid('it holds a model and no release of the agent');
  const known: readonly string[] = Object.values(RELEASE_LAYERS);
  const strange = manifest.layers.find(({ mediaType }) => !known.includes(mediaType));
  if (strange !== undefined) throw invalid(`it has a layer of type ${strange.mediaType}`);
  await checkConfig(manifest, configBytes, where);
  return { manifest, config: parseReleaseConfig(configBytes, where) };
}

function parseReleaseConfig(bytes: Uint8Array, where: string): ReleaseConfig {
  return parseChecked(configSchema, bytes, { where, maxBytes: MAX_MANIFEST_BYTES });
}
