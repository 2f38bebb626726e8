import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FlotillaError } from '@flotilla/protocol';
import type { Model } from '../../ir/graph.ts';
import { abridge } from './abridge.ts';
import { type ExternalFiles, externalFilesIn } from './external-files.ts';
import { readOnnx } from './read.ts';
import { Unreadable } from './read-tensor.ts';
import { MAX_MESSAGE_BYTES } from './schema.ts';
import { RecentBytes, StoredFile } from './stored-file.ts';

/** A file up to this size is held in memory as it is. */
const IN_MEMORY_BYTES = 64 << 20;
/** What is kept of weights that were read from files. */
const RECENT_BYTES = 128 << 20;

export interface ReadFileOptions {
  /** From a model file larger than this, weights are read when they are asked for; default 64 MiB. */
  readonly inMemoryBytes?: number;
}

/** A model and where all of it lies. */
export interface ModelFiles {
  readonly model: Model;
  /** Files beside the model's that hold weights of it, in order of their locations. */
  readonly external: readonly string[];
}

/**
 * Reads an ONNX file. Weights in files beside it, and those of a large file, stay where they are
 * until they are asked for: the files must not change before.
 *
 * @throws FlotillaError `model.not-found` or `model.is-folder` where there is no such file, `model.not-onnx` where it
 * cannot be read as a model.
 */
export async function readOnnxFile(file: string, options: ReadFileOptions = {}): Promise<Model> {
  return (await readModelFiles(file, options)).model;
}

/** The same, with the files that weights are read from. @throws FlotillaError as `readOnnxFile` */
export async function readModelFiles(
  file: string,
  { inMemoryBytes = IN_MEMORY_BYTES }: ReadFileOptions = {},
): Promise<ModelFiles> {
  const info = statSync(file, { throwIfNoEntry: false });
  if (info?.isDirectory()) throw new FlotillaError('model.is-folder', { folder: file });
  if (info === undefined || !info.isFile()) throw new FlotillaError('model.not-found', { file });
  if (info.size > MAX_MESSAGE_BYTES) {
    throw unreadable(file, `${info.size} bytes, and a protobuf file ends at ${MAX_MESSAGE_BYTES}`);
  }
  const recent = new RecentBytes(RECENT_BYTES);
  const external = externalFilesIn(dirname(file), recent);
  const model =
    info.size <= inMemoryBytes
      ? readOnnx(await readFile(file), { file, external })
      : readLarge(file, external, recent);
  return { model, external: external.paths() };
}

function readLarge(path: string, external: ExternalFiles, recent: RecentBytes): Model {
  const file = new StoredFile(path, recent);
  const { bytes, token } = abridged(file, path);
  return readOnnx(bytes, {
    file: path,
    external: {
      part: (location, offset, length) =>
        location === token && length !== undefined
          ? file.part(offset, length)
          : external.part(location, offset, length),
    },
  });
}

function abridged(file: StoredFile, path: string): ReturnType<typeof abridge> {
  try {
    return abridge(file);
  } catch (cause) {
    if (cause instanceof Unreadable) throw unreadable(path, cause.message, cause);
    throw cause;
  }
}

function unreadable(file: string, reason: string, cause?: unknown): FlotillaError {
  return new FlotillaError('model.not-onnx', { file, reason }, { cause });
}
