import { createReadStream } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdDecompress } from 'node:zlib';
import { asFlotillaError, FlotillaError } from '@flotilla/protocol';
import { readTarStream, syncFolder, type TarFile } from '@flotilla/protocol/node';

export interface UnpackLimits {
  readonly files: number;
  /** Of all files together. */
  readonly unpackedBytes: number;
}

const PATH = /^[A-Za-z0-9@_+-][A-Za-z0-9@._+-]*(\/[A-Za-z0-9@_+-][A-Za-z0-9@._+-]*)*$/;
const MAX_PATH = 240;
/** What a package starts; all else is read. */
const PROGRAMS = /^(bin\/[^/]+|flotilla-agent)$/;
/** 32 MiB: more than any level of zstd uses without being asked to. */
const WINDOW_LOG = 25;

/**
 * Unpacks layers of a release, tars compressed with zstd, into a new folder. All of it is on the
 * medium when this returns; memory holds one chunk of one file.
 *
 * @throws FlotillaError `bundle.invalid`
 */
export async function unpackLayers(
  layers: readonly string[],
  folder: string,
  limits: UnpackLimits,
  signal: AbortSignal,
): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const into = new Target(folder, limits);
  for (const layer of layers) {
    const options = { params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG } };
    try {
      await pipeline(
        createReadStream(layer),
        createZstdDecompress(options),
        async (source) => {
          for await (const file of readTarStream(source)) await into.take(file);
        },
        { signal },
      );
    } catch (cause) {
      signal.throwIfAborted();
      throw invalid(asFlotillaError(cause).message, cause);
    }
  }
  await into.sync();
}

/** The folder that files go into, and what has come so far. */
class Target {
  readonly #folder: string;
  readonly #limits: UnpackLimits;
  readonly #paths = new Set<string>();
  readonly #folders: Set<string>;
  #bytes = 0;

  constructor(folder: string, limits: UnpackLimits) {
    this.#folder = folder;
    this.#limits = limits;
    this.#folders = new Set([dirname(folder), folder]);
  }

  async take({ path, size, content }: TarFile): Promise<void> {
    if (!PATH.test(path) || path.length > MAX_PATH) throw invalid(`path ${JSON.stringify(path)}`);
    if (this.#paths.has(path)) throw invalid(`${path} comes twice`);
    this.#paths.add(path);
    this.#bytes += size;
    const { files, unpackedBytes } = this.#limits;
    if (this.#paths.size > files) throw invalid(`more than the ${files} files that it names`);
    if (this.#bytes > unpackedBytes) throw invalid(`more than the ${unpackedBytes} bytes it names`);
    const target = join(this.#folder, path);
    await mkdir(dirname(target), { recursive: true });
    for (let at = dirname(target); !this.#folders.has(at); at = dirname(at)) this.#folders.add(at);
    const file = await open(target, 'wx', PROGRAMS.test(path) ? 0o755 : 0o644);
    try {
      for await (const chunk of content) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async sync(): Promise<void> {
    for (const folder of this.#folders) await syncFolder(folder);
  }
}

const invalid = (reason: string, cause?: unknown) =>
  new FlotillaError('bundle.invalid', { where: 'release', reason }, { cause });
