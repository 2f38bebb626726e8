import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress } from 'node:zlib';
import { FlotillaError, MAX_RELEASE_FILES, type ReleaseLayer } from '@flotilla/protocol';
import { type TarSource, tarStream } from '../tar-stream.ts';

export interface PackedLayers {
  readonly layers: Readonly<Record<ReleaseLayer, Uint8Array>>;
  readonly files: number;
  readonly unpackedBytes: number;
}

/** Node in 3 s and 38 MB; the next levels take twice the time for 1 % less. */
const LEVEL = 9;

const layerOf = (path: string): ReleaseLayer => {
  if (path.startsWith('bin/')) return 'node';
  return path.startsWith('lib/node_modules/') ? 'libraries' : 'program';
};

/**
 * The files of a package as the layers of a release; same files give same bytes.
 *
 * @throws FlotillaError `release.invalid`
 */
export async function packLayers(folder: string): Promise<PackedLayers> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const strange = entries.find((entry) => !entry.isFile() && !entry.isDirectory());
  if (strange !== undefined) throw invalid(folder, `${strange.name} is neither file nor folder`);
  const sources = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .map((file): TarSource => ({ path: relative(folder, file), file }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  if (sources.length > MAX_RELEASE_FILES) throw invalid(folder, `it has ${sources.length} files`);
  const sizes = await Promise.all(sources.map(async ({ file }) => (await stat(file)).size));
  const pack = (layer: ReleaseLayer) =>
    compress(sources.filter(({ path }) => layerOf(path) === layer));
  return {
    layers: {
      node: await pack('node'),
      libraries: await pack('libraries'),
      program: await pack('program'),
    },
    files: sources.length,
    unpackedBytes: sizes.reduce((sum, size) => sum + size, 0),
  };
}

async function compress(sources: readonly TarSource[]): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const params = { [constants.ZSTD_c_compressionLevel]: LEVEL };
  await pipeline(tarStream(sources), createZstdCompress({ params }), async (compressed) => {
    for await (const chunk of compressed) chunks.push(chunk);
  });
  return new Uint8Array(Buffer.concat(chunks));
}

const invalid = (file: string, reason: string) =>
  new FlotillaError('release.invalid', { file, reason });
