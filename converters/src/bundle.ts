import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { encodeGolden, type Tensors } from '@flotilla/model';
import {
  type BundleConfig,
  type BundleContent,
  bundleFileName,
  makeManifest,
  type Precision,
  targetPath,
} from '@flotilla/protocol';
import {
  createRepository,
  createSigner,
  generateKeyPair,
  LOCAL_EXPIRY,
  signTargets,
  syncFolder,
  writeBundleFile,
  writeFileDurably,
} from '@flotilla/protocol/node';
import type { TargetProfile } from '@flotilla/targets';
import pkg from '../package.json' with { type: 'json' };
import { opsetOf } from './ir/graph.ts';
import { stagingFolder } from './out-folder.ts';
import type { Quantized } from './quantize/quantize.ts';
import { type Recipe, recipeText } from './recipe.ts';
import type { Signing } from './request.ts';
import type { Source } from './source.ts';
import type { Verification } from './verify/verify.ts';
import type { Work } from './verify/work.ts';

/** A bundle that is made but not yet signed and written. */
export interface Bundle extends BundleContent {
  readonly config: BundleConfig;
  /** As it is in the bundle. */
  readonly recipe: string;
}

/** Where a bundle was written, and its recipe beside it. */
export interface WrittenBundle {
  readonly file: string;
  readonly recipeFile: string;
}

export interface BundleInput {
  readonly source: Source;
  readonly version: number;
  readonly epoch: number;
  readonly profile: TargetProfile;
  readonly variant: Quantized;
  readonly verification: Verification;
  readonly work: Work;
  /** How the variant was made, for whoever makes it again. */
  readonly recipe: Recipe;
}

/**
 * How far a device's outputs may lie from those computed here, relative to the largest output: other
 * kernels round otherwise, TensorRT reads fp32 products in TF32, and a value at the edge of an int8
 * step falls to either side.
 */
const TOLERANCES: Readonly<Record<Precision, number>> = {
  fp32: 2e-3,
  fp16: 2e-2,
  mixed: 1e-1,
  int8: 1e-1,
  'int8-dynamic': 1e-1,
  int4: 1e-1,
};

/** What the process takes with ONNX Runtime loaded and no model. */
const RUNTIME_BYTES = 52 * 2 ** 20;

/** Manifest and blobs of a variant; the same input gives the same bytes, since no time is in them. */
export async function makeBundle(input: BundleInput): Promise<Bundle> {
  const { source, variant, verification } = input;
  const tolerance = TOLERANCES[variant.precision];
  const largest = largestOf(verification.golden.outputs);
  const config = configOf(input);
  const recipe = recipeText(input.recipe);
  const content = await makeManifest({
    config,
    model: variant.bytes,
    spec: source.bytes,
    ...(source.labelsBytes === undefined ? {} : { labels: source.labelsBytes }),
    golden: encodeGolden({
      ...verification.golden,
      tolerance: { absolute: tolerance * largest, relative: tolerance },
    }),
    profile: verification.profile,
    recipe: new TextEncoder().encode(recipe),
  });
  return { ...content, config, recipe };
}

function configOf({ source, version, epoch, profile, variant, work }: BundleInput): BundleConfig {
  const opset = opsetOf(variant.model);
  return {
    formatVersion: 1,
    model: source.spec.name,
    version,
    target: profile.id,
    precision: variant.precision,
    runtime: { name: 'onnxruntime', minOpset: opset, opset },
    memoryBytes: memoryOf(variant.bytes.length, work),
    sourceDigest: source.digest,
    tools: { flotilla: pkg.version, onnxruntime: source.runtime.version },
    epoch,
  };
}

/** The runtime keeps the file's weights beside those packed for its kernels. */
export function memoryOf(modelBytes: number, work: Work): number {
  return RUNTIME_BYTES + 2 * modelBytes + work.activationBytes;
}

function largestOf(outputs: readonly Tensors[]): number {
  let largest = 0;
  for (const tensors of outputs) {
    for (const { data } of Object.values(tensors)) {
      if (!(data instanceof Float32Array)) continue;
      for (const value of data) largest = Math.max(largest, Math.abs(value) || 0);
    }
  }
  return largest;
}

/**
 * Signs the bundles of one conversion with one set of metadata, and puts them into a folder: first
 * whole into a folder of their own, then by renaming, so that a failure leaves nothing half-written.
 *
 * @returns where each bundle is, in order
 */
export async function writeBundles(
  bundles: readonly Bundle[],
  out: string,
  signing: Signing | undefined,
): Promise<WrittenBundle[]> {
  const { keyPair, fleet } = signing ?? { keyPair: generateKeyPair(), fleet: 'local' };
  const signer = createSigner(keyPair);
  const options = { expiry: LOCAL_EXPIRY };
  const targets = new Map(
    bundles.map(({ config, digest, manifestBytes }) => [
      targetPath(config),
      { length: manifestBytes.length, digest, epoch: config.epoch },
    ]),
  );
  const repository = createRepository(signer, { fleet, ...options });
  const metadata = signTargets(repository, targets, signer, options);
  const folder = resolve(out);
  const staging = await stagingFolder(folder, randomBytes(6).toString('hex'));
  await mkdir(staging, { recursive: true });
  try {
    for (const bundle of bundles) {
      const { file, recipeFile } = namesOf(bundle);
      await writeBundleFile(join(staging, file), { ...bundle, metadata });
      await writeFileDurably(join(staging, recipeFile), bundle.recipe);
    }
    await mkdir(folder, { recursive: true });
    const names = bundles.map(namesOf);
    for (const name of names.flatMap(({ file, recipeFile }) => [file, recipeFile])) {
      await rename(join(staging, name), join(folder, name));
    }
    await syncFolder(folder);
    return names.map(({ file, recipeFile }) => ({
      file: join(out, file),
      recipeFile: join(out, recipeFile),
    }));
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

function namesOf({ config }: Bundle): WrittenBundle {
  const file = bundleFileName(config);
  return { file, recipeFile: file.replace(/\.flotilla$/, '-recipe.json') };
}
