import { blobsOf, openBundle, parseManifest } from '@flotilla/protocol';
import { readBundleFile } from '@flotilla/protocol/node';
import type { Context } from '../context.ts';
import { byteCount, table } from '../ui/table.ts';

/** Says what a bundle holds, after every digest in it was checked. */
export async function inspectBundle(
  file: string,
  asJson: boolean,
  context: Context,
): Promise<void> {
  const { manifestBytes, digest, blobs } = await readBundleFile(file);
  const manifest = parseManifest(manifestBytes, file);
  const configBytes = blobs.get(manifest.config.digest) ?? new Uint8Array();
  const { config } = await openBundle(manifestBytes, configBytes);
  const parts = blobsOf(manifest);
  if (asJson) context.json({ format: 'flotilla', digest, config, blobs: parts });
  const { model, version, target, precision, runtime } = config;
  context.say(`${file}: ${model}@${version} for ${target} in ${precision}`);
  context.say(`runtime ${runtime.name}, opset ${runtime.opset}\n${digest}\n`);
  const rows = parts.map((part) => [part.mediaType, byteCount(part.size), part.digest]);
  context.say(table(['blob', 'size', 'digest'], rows, context.columns));
}
