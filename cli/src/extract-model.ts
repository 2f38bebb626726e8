import { lstat, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  type BundleConfig,
  type Digest,
  FlotillaError,
  openBundle,
  parseManifest,
} from '@flotilla/protocol';
import { readBundleFile, writeFileDurably } from '@flotilla/protocol/node';

/** A model file and the bundle's word for what it is. */
export interface ExtractedModel
  extends Pick<BundleConfig, 'model' | 'version' | 'target' | 'precision'> {
  readonly file: string;
  readonly bytes: number;
  readonly digest: Digest;
}

/**
 * Writes the model of a bundle to `out`, whole or not at all. Reading checks every digest; of the
 * signatures none is.
 *
 * @param overwrite whether a file there already is replaced
 * @throws FlotillaError `file.missing`, `bundle.invalid`, `bundle.digest-mismatch`, `cli.usage` where `out` cannot be
 * written
 */
export async function extractModel(
  bundle: string,
  out: string,
  overwrite: boolean,
): Promise<ExtractedModel> {
  if (!(await stat(bundle).catch(() => undefined))) {
    throw new FlotillaError('file.missing', { what: 'bundle', file: bundle });
  }
  await checkOut(bundle, out, overwrite);
  const { manifestBytes, blobs } = await readBundleFile(bundle);
  const manifest = parseManifest(manifestBytes, bundle);
  const configBytes = blobs.get(manifest.config.digest) ?? new Uint8Array();
  const { config, model: part } = await openBundle(manifestBytes, configBytes);
  const bytes = part && blobs.get(part.digest);
  if (part === undefined || bytes === undefined) {
    throw new FlotillaError('bundle.invalid', { where: bundle, reason: 'it holds no model' });
  }
  await writeFileDurably(out, bytes).catch((cause: NodeJS.ErrnoException) => {
    throw wrongOut(`cannot be written (${cause.code ?? cause.message}): name another file`, out);
  });
  const { model, version, target, precision } = config;
  const { digest } = part;
  return { file: out, bytes: bytes.length, digest, model, version, target, precision };
}

/** Before anything is read: what is wrong with `out` is told at once. */
async function checkOut(bundle: string, out: string, overwrite: boolean): Promise<void> {
  if (out === '') throw wrongOut('is no file: name one', out);
  const folder = await stat(dirname(out)).catch(() => undefined);
  if (!folder?.isDirectory()) throw wrongOut(`lies in no folder: make ${dirname(out)} first`, out);
  // A link counts by itself, since it is what a rename would replace.
  const there = await lstat(out).catch(() => undefined);
  if (there === undefined) return;
  if (there.isDirectory()) throw wrongOut('is a folder: name a file in it', out);
  if ((await realpath(out).catch(() => out)) === (await realpath(bundle).catch(() => ''))) {
    throw wrongOut('is the bundle itself: name another file', out);
  }
  if (!overwrite) throw wrongOut('exists: name another file, or overwrite it with --force', out);
}

function wrongOut(reason: string, out: string): FlotillaError {
  return new FlotillaError('cli.usage', { reason: `--out ${JSON.stringify(out)} ${reason}` });
}
