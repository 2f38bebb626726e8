import { MAX_MANIFEST_BYTES, parseManifest } from '@flotilla/protocol';
import type { ArtifactStore } from './artifacts.ts';

/**
 * The layer of that media type of a stored bundle.
 *
 * @param bundle digest of its manifest
 * @returns undefined where the store does not hold it or it has more than `most` bytes
 */
export async function readLayer(
  artifacts: ArtifactStore,
  bundle: string,
  mediaType: string,
  most: number,
): Promise<{ readonly digest: string; readonly bytes: Uint8Array } | undefined> {
  const manifest = await readAll(artifacts, bundle, MAX_MANIFEST_BYTES);
  if (manifest === undefined) return undefined;
  const layer = parseManifest(manifest).layers.find((one) => one.mediaType === mediaType);
  if (layer === undefined) return undefined;
  const bytes = await readAll(artifacts, layer.digest, most);
  return bytes === undefined ? undefined : { digest: layer.digest, bytes };
}

async function readAll(
  artifacts: ArtifactStore,
  digest: string,
  most: number,
): Promise<Uint8Array | undefined> {
  const info = await artifacts.stat(digest);
  if (info === undefined || info.size > most) return undefined;
  const parts: Uint8Array[] = [];
  for await (const part of artifacts.read(digest)) parts.push(part as Uint8Array);
  return Buffer.concat(parts);
}
