import { inflateRawSync } from 'node:zlib';
import type { Tensor } from '@flotilla/model';
import { FlotillaError } from '@flotilla/protocol';
import { parseNpy } from './npy.ts';

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const STORED = 0;
const DEFLATED = 8;
const MAX_ENTRIES = 1024;
/** Of all unpacked arrays together, in bytes. */
const MAX_UNPACKED = 2 ** 31;

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
}

/**
 * Reads the arrays of an `.npz` file, which is a ZIP archive of `.npy` entries (APPNOTE.TXT 6.3.10,
 * without ZIP64, as numpy.savez writes it below 4 GB), by name.
 *
 * @throws FlotillaError `data.invalid`
 */
export function parseNpz(bytes: Uint8Array, file: string): Map<string, Tensor> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const arrays = new Map<string, Tensor>();
    const entries = entriesOf(view, bytes, file);
    checkSizes(entries, bytes.length, file);
    for (const entry of entries) {
      const name = entry.name.replace(/\.npy$/, '');
      arrays.set(name, parseNpy(unpack(view, bytes, entry, file), `${file}:${entry.name}`));
    }
    return arrays;
  } catch (error) {
    if (error instanceof RangeError) throw invalid(file, 'the archive is cut off');
    throw error;
  }
}

function entriesOf(view: DataView, bytes: Uint8Array, file: string): Entry[] {
  const end = findEnd(view);
  if (end < 0) throw invalid(file, 'it is no .npz archive');
  const count = view.getUint16(end + 10, true);
  if (count > MAX_ENTRIES) throw invalid(file, `it holds more than ${MAX_ENTRIES} arrays`);
  const entries: Entry[] = [];
  for (let at = view.getUint32(end + 16, true), i = 0; i < count; i++) {
    if (view.getUint32(at, true) !== CENTRAL) throw invalid(file, 'its directory is damaged');
    const nameLength = view.getUint16(at + 28, true);
    entries.push({
      name: new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength)),
      method: view.getUint16(at + 10, true),
      packed: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      offset: view.getUint32(at + 42, true),
    });
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return entries;
}

/** A small archive must not fill the memory: entries that share one body would unpack it for each. */
function checkSizes(entries: readonly Entry[], bytes: number, file: string): void {
  const total = (size: (entry: Entry) => number) =>
    entries.reduce((sum, entry) => sum + size(entry), 0);
  if (total(({ packed }) => packed) > bytes) throw invalid(file, 'its arrays overlap');
  if (total(({ size }) => size) > MAX_UNPACKED) {
    throw invalid(file, `its arrays take more than ${MAX_UNPACKED} B`);
  }
}

/** The end record lies in the last 65,557 bytes, behind a comment of any length. */
function findEnd(view: DataView): number {
  for (let at = view.byteLength - 22; at >= Math.max(0, view.byteLength - 65_557); at--) {
    if (view.getUint32(at, true) === END) return at;
  }
  return -1;
}

function unpack(view: DataView, bytes: Uint8Array, entry: Entry, file: string): Uint8Array {
  const names = view.getUint16(entry.offset + 26, true) + view.getUint16(entry.offset + 28, true);
  const start = entry.offset + 30 + names;
  const packed = bytes.subarray(start, start + entry.packed);
  if (entry.method === STORED) return packed;
  if (entry.method !== DEFLATED) {
    throw invalid(file, `array ${JSON.stringify(entry.name.slice(0, 80))} cannot be unpacked`);
  }
  try {
    return inflateRawSync(packed, { maxOutputLength: entry.size + 1 });
  } catch (error) {
    throw invalid(file, error instanceof Error ? error.message : String(error));
  }
}

function invalid(file: string, reason: string): FlotillaError {
  return new FlotillaError('data.invalid', { file, reason });
}
