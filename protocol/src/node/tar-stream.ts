import { type ByteReader, createByteReader } from '../byte-reader.ts';
import { FlotillaError } from '../error.ts';
import { readHeader, type TarHeader } from './tar-header.ts';

/** A regular file in an archive. Its content must be read before the next entry is asked for. */
export interface TarFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly content: AsyncIterable<Uint8Array>;
}

const BLOCK = 512;
/** Longest path record of pax or GNU that is read into memory. */
const MAX_EXTENDED_BYTES = 64 * 1024;
/** Files, folders and records of long paths: an archive of headers alone must end, too. */
const MAX_HEADERS = 250_000;

const padding = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;

/**
 * Files of an uncompressed tar as they stream in: ustar with the extended headers for long paths
 * of pax (POSIX.1-2001) and GNU tar. Folders are passed over; links and devices are refused.
 *
 * @throws FlotillaError `upload.invalid`
 */
export async function* readTarStream(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarFile> {
  const reader = createByteReader(source);
  let longPath: string | undefined;
  for (let headers = 0; ; headers++) {
    if (headers === MAX_HEADERS) throw invalid('the archive', `has over ${MAX_HEADERS} entries`);
    const block = await reader.take(BLOCK);
    if (block.length < BLOCK) throw invalid('the archive', 'ends too early: send the whole file');
    const header = readHeader(block);
    if (header === 'end') return;
    if (header === undefined) throw invalid('the archive', 'is damaged or not an uncompressed tar');
    if (header.kind === 'pax' || header.kind === 'gnu-path') {
      longPath = (await extendedPath(header, reader)) ?? longPath;
      continue;
    }
    const path = longPath ?? header.path;
    longPath = undefined;
    if (header.kind === 'other') {
      throw invalid(printable(path), 'is neither a file nor a folder: leave links out');
    }
    if (header.kind === 'file') {
      const end = reader.at + header.size + padding(header.size);
      yield { path, size: header.size, content: reader.stream(header.size) };
      if (!(await skipTo(reader, end))) {
        throw invalid(printable(path), 'is cut off: send the whole file');
      }
    }
  }
}

/** False where the stream ends before. */
async function skipTo(reader: ByteReader, end: number): Promise<boolean> {
  for await (const _ of reader.stream(end - reader.at));
  return reader.at === end;
}

async function extendedPath(header: TarHeader, reader: ByteReader): Promise<string | undefined> {
  if (header.size > MAX_EXTENDED_BYTES) throw invalid('the archive', 'has an oversized header');
  const end = reader.at + header.size + padding(header.size);
  const bytes = await reader.take(header.size);
  if (!(await skipTo(reader, end))) {
    throw invalid('the archive', 'ends within a header: send the whole file');
  }
  const text = new TextDecoder().decode(bytes);
  if (header.kind === 'gnu-path') return text.replace(/\0.*$/s, '');
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(text)?.[1];
}

const printable = (path: string): string => JSON.stringify(path.slice(0, 120));

const invalid = (where: string, reason: string) =>
  new FlotillaError('upload.invalid', { where, reason });
