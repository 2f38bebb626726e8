/** What a tar header announces. */
export interface TarHeader {
  readonly kind: 'file' | 'folder' | 'pax' | 'gnu-path' | 'other';
  readonly path: string;
  /** Bytes that follow. */
  readonly size: number;
}

const TYPES: Readonly<Record<string, TarHeader['kind']>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '5': 'folder',
  x: 'pax',
  L: 'gnu-path',
};

/**
 * Reads a header block (POSIX.1-2001 pax, "ustar Interchange Format").
 *
 * @returns `end` for an empty block, undefined where its checksum or a number is wrong
 */
export function readHeader(block: Uint8Array): TarHeader | 'end' | undefined {
  if (block.every((byte) => byte === 0)) return 'end';
  if (octal(block, 148, 8) !== checksumOf(block)) return undefined;
  const type = String.fromCharCode(block[156] ?? 0);
  const size = octal(block, 124, 12);
  if (size === undefined) return undefined;
  const name = text(block, 0, 100);
  const isUstar = text(block, 257, 5) === 'ustar';
  const prefix = isUstar ? text(block, 345, 155) : '';
  const kind = type === 'g' ? 'other' : (TYPES[type] ?? 'other');
  const path = prefix === '' ? name : `${prefix}/${name}`;
  return { kind: kind === 'folder' && size > 0 ? 'other' : kind, path, size };
}

/** Numbers above 8 GiB in GNU's binary form are not read: no upload is that large. */
function octal(block: Uint8Array, start: number, length: number): number | undefined {
  const digits = text(block, start, length).trim();
  return /^[0-7]{1,12}$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}

function text(block: Uint8Array, start: number, length: number): string {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end === -1 ? field : field.subarray(0, end));
}

/** Sum of all bytes, those of the checksum itself counted as spaces. */
function checksumOf(block: Uint8Array): number {
  return block.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 32 : byte), 0);
}
