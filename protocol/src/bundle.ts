import { canonicalize } from '@tufjs/canonical-json';
import { type Static, Type } from 'typebox';
import { parseChecked } from './checked-json.ts';
import { type Digest, sha256 } from './digest.ts';
import { FlotillaError } from './error.ts';
import { isName } from './ids.ts';

export const PRECISIONS = ['fp32', 'fp16', 'int8', 'int8-dynamic', 'int4', 'mixed'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** What runs a bundle's model. */
export const BUNDLE_RUNTIMES = ['onnxruntime', 'tflite'] as const;
export type BundleRuntime = (typeof BUNDLE_RUNTIMES)[number];

/** Version of the TFLite schema, the only one there is; a bundle for TFLite gives it as its opset. */
export const TFLITE_SCHEMA = 3;

/** Media types of a bundle's parts (OCI image specification 1.1, artifacts). */
export const MEDIA = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  bundle: 'application/vnd.flotilla.bundle.v1',
  config: 'application/vnd.flotilla.config.v1+json',
  release: 'application/vnd.flotilla.agent.v1',
  releaseConfig: 'application/vnd.flotilla.agent-config.v1+json',
  model: 'application/vnd.flotilla.model.onnx.v1',
  tflite: 'application/vnd.flotilla.model.tflite.v1',
  spec: 'application/vnd.flotilla.spec.v1+yaml',
  labels: 'application/vnd.flotilla.labels.v1+text',
  golden: 'application/vnd.flotilla.golden.v1',
  profile: 'application/vnd.flotilla.profile.v1+json',
  recipe: 'application/vnd.flotilla.recipe.v1+json',
  report: 'application/vnd.flotilla.report.v1+json',
} as const;

export const MAX_MANIFEST_BYTES = 1 << 20;
export const MAX_BLOBS = 64;

const count = (minimum: number) => Type.Integer({ minimum, maximum: Number.MAX_SAFE_INTEGER });
const text = (maxLength: number) => Type.String({ maxLength });
const digest = Type.String({ pattern: '^sha256:[0-9a-f]{64}$' });

const descriptorSchema = Type.Object({
  mediaType: Type.String({ minLength: 3, maxLength: 255 }),
  digest,
  size: count(0),
  annotations: Type.Optional(Type.Record(text(255), text(4096))),
});

const manifestSchema = Type.Object({
  schemaVersion: Type.Literal(2),
  mediaType: Type.Literal(MEDIA.manifest),
  artifactType: Type.Union([Type.Literal(MEDIA.bundle), Type.Literal(MEDIA.release)]),
  config: descriptorSchema,
  layers: Type.Array(descriptorSchema, { minItems: 1, maxItems: MAX_BLOBS - 1 }),
});

const configSchema = Type.Object({
  formatVersion: Type.Literal(1),
  model: text(63),
  version: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }),
  target: text(63),
  precision: Type.Enum([...PRECISIONS]),
  runtime: Type.Object({
    name: Type.Enum([...BUNDLE_RUNTIMES]),
    minOpset: Type.Integer({ minimum: 1, maximum: 1000 }),
    opset: Type.Integer({ minimum: 1, maximum: 1000 }),
  }),
  memoryBytes: count(0),
  sourceDigest: digest,
  tools: Type.Record(text(64), text(128)),
  epoch: count(0),
});

/** Names one blob: what it is, its digest, its bytes. */
export type Descriptor = Static<typeof descriptorSchema>;
/** OCI image manifest of a bundle; its own digest is the bundle's. */
export type BundleManifest = Static<typeof manifestSchema>;
/**
 * What a bundle says of itself. `runtime` names what runs the model and the highest operator set
 * that it needs there; `memoryBytes` is the resident memory that running it takes;
 * `sourceDigest` is of the model file it was made from; `tools` maps tool to version;
 * `epoch` is the security epoch, raised when older versions must never run again.
 */
export type BundleConfig = Static<typeof configSchema>;

export interface Bundle {
  readonly manifest: BundleManifest;
  readonly digest: Digest;
  readonly config: BundleConfig;
  /** The layer of that media type, where the bundle has one. */
  blob(mediaType: string): Descriptor | undefined;
  /** The model, of the media type that goes with the runtime that the config names. */
  readonly model: Descriptor | undefined;
}

export interface BundleParts {
  readonly config: BundleConfig;
  readonly model: Uint8Array;
  readonly spec: Uint8Array;
  readonly labels?: Uint8Array;
  readonly golden: Uint8Array;
  readonly profile?: Uint8Array;
  readonly recipe: Uint8Array;
}

export interface BundleContent {
  readonly manifestBytes: Uint8Array;
  readonly digest: Digest;
  /** Every blob that the manifest names, config included, the manifest itself not. */
  readonly blobs: ReadonlyMap<Digest, Uint8Array>;
}

const LAYERS = ['model', 'spec', 'labels', 'golden', 'profile', 'recipe'] as const;

/** Makes manifest and blobs of a bundle; same parts give same bytes (canonical JSON). */
export async function makeManifest(parts: BundleParts): Promise<BundleContent> {
  const blobs = new Map<Digest, Uint8Array>();
  const add = async (mediaType: string, bytes: Uint8Array): Promise<Descriptor> => {
    const descriptor = { mediaType, digest: await sha256(bytes), size: bytes.length };
    blobs.set(descriptor.digest, bytes);
    return descriptor;
  };
  const utf8 = new TextEncoder();
  const configBytes = utf8.encode(canonicalize(parts.config));
  parseConfig(configBytes);
  const config = await add(MEDIA.config, configBytes);
  const layers: Descriptor[] = [];
  for (const layer of LAYERS) {
    const bytes = parts[layer];
    const mediaType = layer === 'model' ? modelMedia(parts.config) : MEDIA[layer];
    if (bytes !== undefined) layers.push(await add(mediaType, bytes));
  }
  const manifest: BundleManifest = {
    schemaVersion: 2,
    mediaType: MEDIA.manifest,
    artifactType: MEDIA.bundle,
    config,
    layers,
  };
  const manifestBytes = utf8.encode(canonicalize(manifest));
  return { manifestBytes, digest: await sha256(manifestBytes), blobs };
}

/** Whether a bundle holds a release of the agent, and not a model. */
export const isRelease = ({ artifactType }: BundleManifest): boolean =>
  artifactType === MEDIA.release;

/**
 * Of a model, or of a release of the agent.
 *
 * @throws FlotillaError `bundle.invalid`
 */
export function parseManifest(bytes: Uint8Array, where = 'manifest'): BundleManifest {
  const manifest = parseChecked(manifestSchema, bytes, { where, maxBytes: MAX_MANIFEST_BYTES });
  const types = manifest.layers.map((layer) => layer.mediaType);
  const twice = types.find((type, i) => types.indexOf(type) !== i);
  if (twice !== undefined) throw invalid(where, `it has two layers of type ${twice}`);
  const configMedia = isRelease(manifest) ? MEDIA.releaseConfig : MEDIA.config;
  if (manifest.config.mediaType !== configMedia) throw invalid(where, 'its config has wrong type');
  const sizes = new Map<Digest, number>();
  for (const { digest: name, size } of [manifest.config, ...manifest.layers]) {
    if ((sizes.get(name) ?? size) !== size) throw invalid(where, `it gives ${name} two sizes`);
    sizes.set(name, size);
  }
  return manifest;
}

/** @throws FlotillaError `bundle.invalid` */
export function parseConfig(bytes: Uint8Array, where = 'bundle config'): BundleConfig {
  const config = parseChecked(configSchema, bytes, { where, maxBytes: MAX_MANIFEST_BYTES });
  for (const key of ['model', 'target'] as const) {
    if (!isName(config[key])) throw invalid(where, `/${key} is not a name`);
  }
  return config;
}

/** A bundle from its manifest and the config blob that the manifest names. */
export async function openBundle(
  manifestBytes: Uint8Array,
  configBytes: Uint8Array,
  where = 'bundle',
): Promise<Bundle> {
  const manifest = parseManifest(manifestBytes, where);
  if (isRelease(manifest)) throw invalid(where, 'it holds a release of the agent and no model');
  await checkConfig(manifest, configBytes, where);
  const config = parseConfig(configBytes, where);
  const blob = (mediaType: string) =>
    manifest.layers.find((layer) => layer.mediaType === mediaType);
  return {
    manifest,
    digest: await sha256(manifestBytes),
    config,
    blob,
    model: blob(modelMedia(config)),
  };
}

/**
 * Checks that these are the bytes that a manifest names as its config.
 *
 * @throws FlotillaError `bundle.digest-mismatch`
 */
export async function checkConfig(
  { config }: BundleManifest,
  bytes: Uint8Array,
  where: string,
): Promise<void> {
  const actual = await sha256(bytes);
  if (actual === config.digest) return;
  throw new FlotillaError('bundle.digest-mismatch', { where, expected: config.digest, actual });
}

/** Media types of a model, whatever runs it. */
export const isModelMedia = (mediaType: string): boolean =>
  mediaType === MEDIA.model || mediaType === MEDIA.tflite;

const modelMedia = ({ runtime }: BundleConfig): string =>
  runtime.name === 'tflite' ? MEDIA.tflite : MEDIA.model;

/** Every blob that a manifest names, config first, each digest once. */
export function blobsOf(manifest: BundleManifest): Descriptor[] {
  const all = [manifest.config, ...manifest.layers];
  return all.filter((blob, i) => all.findIndex((other) => other.digest === blob.digest) === i);
}

type Variant = Pick<BundleConfig, 'model' | 'version' | 'target' | 'precision'>;

/** TUF target path of a bundle's manifest. */
export const targetPath = ({ model, version, target, precision }: Variant): string =>
  `${model}/${version}/${target}/${precision}`;

/** Name of the file that carries a bundle by hand; it is for people and never parsed. */
export const bundleFileName = ({ model, version, target, precision }: Variant): string =>
  `${model}-${version}-${target}-${precision}.flotilla`;

const invalid = (where: string, reason: string) =>
  new FlotillaError('bundle.invalid', { where, reason });
