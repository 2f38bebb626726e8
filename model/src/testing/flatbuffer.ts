/**
 * The least of a writer of FlatBuffers (flatbuffers.dev, "FlatBuffer internals"): a table refers to
 * what comes after it in the file.
 */

/** A field of a table; scalars take 4 bytes each, which is enough for tests. */
export type Field = number | Part | undefined;

export type Part =
  | { readonly kind: 'table'; readonly fields: readonly Field[] }
  | { readonly kind: 'parts'; readonly parts: readonly Part[] }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array; readonly count: number };

export const table = (...fields: readonly Field[]): Part => ({ kind: 'table', fields });
export const parts = (...list: readonly Part[]): Part => ({ kind: 'parts', parts: list });
export const text = (value: string): Part => {
  const bytes = new TextEncoder().encode(value);
  // a string ends with a zero that its length does not count
  return { kind: 'bytes', bytes: Uint8Array.of(...bytes, 0), count: bytes.length };
};
export const numbers = (values: Uint8Array | Int32Array | Float32Array | BigInt64Array): Part => ({
  kind: 'bytes',
  bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  count: values.length,
});

/** Elements of vectors begin at multiples of this: tensors want 16 bytes. */
const ALIGNMENT = 16;

/** A file with this root and identifier of four letters. */
export function flatBuffer(root: Part, identifier: string): Uint8Array {
  const file: number[] = [0, 0, 0, 0, ...new TextEncoder().encode(identifier)];
  refer(file, 0, root);
  return Uint8Array.from(file);
}

/** Writes a part at the end of the file, and its distance where it is referred to. */
function refer(file: number[], from: number, part: Part): void {
  const position = write(file, part);
  put32(file, from, position - from);
}

function write(file: number[], part: Part): number {
  switch (part.kind) {
    case 'table':
      return writeTable(file, part.fields);
    case 'parts': {
      const at = startVector(file, part.parts.length);
      file.push(...new Array<number>(4 * part.parts.length).fill(0));
      for (const [index, child] of part.parts.entries()) refer(file, at + 4 + 4 * index, child);
      return at;
    }
    case 'bytes': {
      const at = startVector(file, part.count);
      file.push(...part.bytes);
      return at;
    }
  }
}

function startVector(file: number[], count: number): number {
  while ((file.length + 4) % ALIGNMENT !== 0) file.push(0);
  const at = file.length;
  file.push(0, 0, 0, 0);
  put32(file, at, count);
  return at;
}

/** The vtable, which tells where in the table each field lies, stands right before it. */
function writeTable(file: number[], fields: readonly Field[]): number {
  const vtableBytes = 4 + 2 * fields.length;
  while ((file.length + vtableBytes) % 4 !== 0) file.push(0);
  const slots = fields.map((field, index) => (field === undefined ? 0 : 4 + 4 * index));
  const tableBytes = 4 + 4 * fields.length;
  for (const value of [vtableBytes, tableBytes, ...slots]) file.push(value & 255, value >> 8);
  const at = file.length;
  file.push(...new Array<number>(tableBytes).fill(0));
  put32(file, at, vtableBytes);
  for (const [index, field] of fields.entries()) {
    if (typeof field === 'number') put32(file, at + 4 + 4 * index, field);
    else if (field !== undefined) refer(file, at + 4 + 4 * index, field);
  }
  return at;
}

function put32(file: number[], at: number, value: number): void {
  for (const shift of [0, 8, 16, 24]) file[at + shift / 8] = (value >> shift) & 255;
}
