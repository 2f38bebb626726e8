import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { FlotillaError } from '@flotilla/protocol';

/** A file to send, under the path that it has in the archive. */
export interface TarSource {
  readonly path: string;
  readonly file: string;
}

const BLOCK = 512;
const NAME_BYTES = 100;
const encoder = new TextEncoder();

/**
 * Streams files as a tar archive (POSIX.1-2001 pax, "pax Interchange Format"); memory holds one
 * chunk of one file. Paths that ustar cannot hold go into an extended header.
 *
 * @throws FlotillaError `file.changed` when a file grows or shrinks while it is read
 */
export async function* tarStream(
  sources: readonly TarSource[],
  onFile: (done: number) => void = () => undefined,
): AsyncGenerator<Uint8Array> {
  for (const [index, { path, file }] of sources.entries()) {
    const { size } = await stat(file);
    if (!fitsUstar(path)) yield* extendedHeader(path);
    yield header(fitsUstar(path) ? path : 'pax', size, '0');
    yield* content(file, size);
    onFile(index + 1);
  }
  yield new Uint8Array(2 * BLOCK);
}

async function* content(file: string, size: number): AsyncGenerator<Uint8Array> {
  let sent = 0;
  for await (const chunk of createReadStream(file)) {
    sent += chunk.length;
    if (sent > size) break;
    yield chunk;
  }
  if (sent !== size) throw new FlotillaError('file.changed', { file });
  yield padding(size);
}

/** Tells whether a path is plain ASCII that fits the name field. */
function fitsUstar(path: string): boolean {
  return /^[\x20-\x7e]+$/.test(path) && path.length <= NAME_BYTES;
}

function* extendedHeader(path: string): Generator<Uint8Array> {
  const record = paxRecord(`path=${path}\n`);
  yield header('pax', record.length, 'x');
  yield record;
  yield padding(record.length);
}

/** "LENGTH text", where the length counts its own digits. */
function paxRecord(text: string): Uint8Array {
  const bytes = encoder.encode(` ${text}`).length;
  let length = bytes + `${bytes}`.length;
  length = bytes + `${length}`.length;
  return encoder.encode(`${length} ${text}`);
}

const padding = (size: number): Uint8Array => new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);

function header(name: string, size: number, type: string): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const put = (text: string, at: number) => block.set(encoder.encode(text), at);
  put(name, 0);
  put('0000644\0', 100);
  put('0000000\0', 108);
  put('0000000\0', 116);
  put(`${size.toString(8).padStart(11, '0')}\0`, 124);
  put('00000000000\0', 136);
  put('        ', 148);
  put(type, 156);
  put('ustar\u000000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
