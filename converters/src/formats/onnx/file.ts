import { closeSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, sep } from 'node:path';
import { FlotillaError } from '@flotilla/protocol';
import type { Model } from '../../ir/graph.ts';
import { readOnnx } from './read.ts';
import { type ExternalData, Unreadable } from './read-tensor.ts';

/** Largest file a protobuf message may fill; weights beyond it belong in external data. */
const MAX_FILE_BYTES = 2 ** 31 - 1;

/**
 * Reads an ONNX file, and the weights that lie in files beside it.
 *
 * @throws FlotillaError `model.not-found` where there is no such file, `model.not-onnx` where it
 * cannot be read as a model.
 */
export async function readOnnxFile(file: string): Promise<Model> {
  const info = statSync(file, { throwIfNoEntry: false });
  if (info === undefined || !info.isFile()) throw new FlotillaError('model.not-found', { file });
  if (info.size > MAX_FILE_BYTES) {
    const reason = `${info.size} bytes, and a protobuf file ends at ${MAX_FILE_BYTES}`;
    throw new FlotillaError('model.not-onnx', { file, reason });
  }
  return readOnnx(await readFile(file), { file, external: externalDataIn(dirname(file)) });
}

/** External data in files of `folder` and below it; any path that leads elsewhere is refused. */
function externalDataIn(folder: string): ExternalData {
  return {
    read(location, offset, length) {
      const path = insidePath(folder, location);
      const info = statSync(path);
      if (!info.isFile()) throw new Unreadable(`external data ${location} is not a file`);
      const { size } = info;
      const end = offset + (length ?? size - offset);
      if (offset > size || end > size) {
        throw new Unreadable(`external data ${location} has ${size} bytes, ${end} are needed`);
      }
      return readRange(path, offset, end - offset);
    },
  };
}

/** The spec (ONNX IR.md, external tensor data) asks for a relative path that does not climb out. */
function insidePath(folder: string, location: string): string {
  const parts = location.split(/[\\/]/);
  if (
    location === '' ||
    isAbsolute(location) ||
    /^[a-z]:/i.test(location) ||
    parts.includes('..')
  ) {
    throw new Unreadable(`external data path ${JSON.stringify(location)} leads out of its folder`);
  }
  try {
    const path = realpathSync(join(folder, location));
    if (path.startsWith(realpathSync(folder) + sep)) return path;
  } catch (cause) {
    throw new Unreadable(`external data ${JSON.stringify(location)} is missing`, { cause });
  }
  throw new Unreadable(`external data path ${JSON.stringify(location)} leads out of its folder`);
}

function readRange(path: string, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const handle = openSync(path, 'r');
  try {
    for (let done = 0; done < length; ) {
      const count = readSync(handle, bytes, done, length - done, offset + done);
      if (count === 0) throw new Unreadable(`external data ${path} ends early`);
      done += count;
    }
  } finally {
    closeSync(handle);
  }
  return bytes;
}
