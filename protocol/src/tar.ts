/**
 * Deterministic ustar archives (POSIX.1-1988, pax specification "ustar Interchange Format") in
 * memory: regular files only, fixed owner, mode and time. The reader takes only what the writer
 * makes, so that no byte of an archive can change unseen.
 */
import { sameBytes } from './digest.ts';

export interface TarEntry {
  /** At most 100 ASCII characters. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface TarLimits {
  readonly maxEntries: number;
}

export type TarContent =
  | { readonly ok: true; readonly entries: readonly TarEntry[] }
  | { readonly ok: false; readonly reason: string };

export const TAR_BLOCK = 512;
const BLOCK = TAR_BLOCK;
const MAX_SIZE = 8 ** 11 - 1;
const MAGIC = 'ustar';
const NAME = /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/;

/** The archive as a list of chunks: the entries' own bytes are not copied. */
export function writeTar(entries: readonly TarEntry[]): Uint8Array[] {
  const chunks = entries.flatMap(({ name, bytes }) => {
    const header = makeHeader(name, bytes.length);
    if (header === undefined) throw new RangeError(`${name} does not fit an archive`);
    return [header, bytes, new Uint8Array(tarPadding(bytes.length))];
  });
  return [...chunks, new Uint8Array(2 * BLOCK)].filter((chunk) => chunk.length > 0);
}

/** Reads an archive that `writeTar` made; entries are views of `archive`. */
export function readTar(archive: Uint8Array, limits: TarLimits): TarContent {
  const refuse = (reason: string): TarContent => ({ ok: false, reason });
  const entries: TarEntry[] = [];
  const names = new Set<string>();
  let at = 0;
  while (at + BLOCK <= archive.length && archive[at] !== 0) {
    const header = readTarHeader(archive.subarray(at, at + BLOCK), at);
    if (!header.ok) return refuse(header.reason);
    const { name, size } = header;
    if (names.has(name)) return refuse(`it holds ${name} twice`);
    if (entries.length === limits.maxEntries) return refuse(`more than ${entries.length} entries`);
    const start = at + BLOCK;
    const end = start + size;
    if (end + tarPadding(size) > archive.length) return refuse(`it ends within ${name}`);
    if (!isZero(archive.subarray(end, end + tarPadding(size)))) {
      return refuse(`the padding after ${name} is not zero`);
    }
    entries.push({ name, bytes: archive.subarray(start, end) });
    names.add(name);
    at = end + tarPadding(size);
  }
  if (archive.length - at !== 2 * BLOCK || !isZero(archive.subarray(at))) {
    return refuse(`it does not end with two empty blocks after byte ${at}`);
  }
  return { ok: true, entries };
}

export type TarHeader =
  | { readonly ok: true; readonly name: string; readonly size: number }
  | { readonly ok: false; readonly reason: string };

/** What the block before an entry says of it; `at` is its place in the archive. */
export function readTarHeader(block: Uint8Array, at: number): TarHeader {
  const name = fieldText(block, 0, 100);
  const size = Number.parseInt(fieldText(block, 124, 12), 8);
  const expected = makeHeader(name, size);
  if (expected !== undefined && sameBytes(block, expected)) return { ok: true, name, size };
  if (at === 0 && fieldText(block, 257, 5) !== MAGIC) {
    return { ok: false, reason: 'it is no tar archive' };
  }
  return {
    ok: false,
    reason: `the archive header of ${printable(name)} at byte ${at} is damaged`,
  };
}

/** Zeros after an entry of that size. */
export const tarPadding = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;
const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);
const printable = (name: string): string => JSON.stringify(name.slice(0, 100));

function fieldText(header: Uint8Array, start: number, length: number): string {
  const field = header.subarray(start, start + length);
  const end = field.indexOf(0);
  return String.fromCharCode(...field.subarray(0, end === -1 ? length : end));
}

/** Undefined where name or size cannot be written. */
function makeHeader(name: string, size: number): Uint8Array | undefined {
  const climbs = name.split('/').some((part) => part === '.' || part === '..');
  if (name.length > 100 || !NAME.test(name) || climbs) return undefined;
  if (!Number.isSafeInteger(size) || size < 0 || size > MAX_SIZE) return undefined;
  const header = new Uint8Array(BLOCK);
  const put = (at: number, text: string) => header.set(new TextEncoder().encode(text), at);
  put(0, name);
  put(100, '0000644\0');
  put(108, '0000000\0');
  put(116, '0000000\0');
  put(124, `${size.toString(8).padStart(11, '0')}\0`);
  put(136, '00000000000\0');
  put(148, '        ');
  put(156, '0');
  put(257, `${MAGIC}\x0000`);
  put(265, 'root');
  put(297, 'root');
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, '0')}\0 `);
  return header;
}
