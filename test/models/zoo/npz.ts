import { crc32 } from 'node:zlib';
import type { ElementType, Tensor, Tensors } from '@flotilla/model';

const DESCRIPTIONS = {
  FP32: '<f4',
  FP16: '<f2',
  FP64: '<f8',
  INT8: '|i1',
  UINT8: '|u1',
  INT16: '<i2',
  UINT16: '<u2',
  INT32: '<i4',
  UINT32: '<u4',
  INT64: '<i8',
  UINT64: '<u8',
  BOOL: '|b1',
} as const satisfies Record<ElementType, string>;

/** Header of an array starts its elements on a multiple of this. */
const ALIGNMENT = 64;
const LOCAL = { signature: 0x04034b50, bytes: 30 };
const CENTRAL = { signature: 0x02014b50, bytes: 46 };
const END = { signature: 0x06054b50, bytes: 22 };

/** Tensors as an `.npz` archive, which NumPy and `flotilla optimize` read (APPNOTE.TXT 6.3.10, stored). */
export function npz(tensors: Tensors): Buffer {
  const entries = Object.entries(tensors).map(([name, tensor]) => entryOf(`${name}.npy`, tensor));
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const { name, body, crc } of entries) {
    const local = Buffer.alloc(LOCAL.bytes);
    local.writeUInt32LE(LOCAL.signature, 0);
    writeSizes(local, 14, crc, body.length, name.length);
    const central = Buffer.alloc(CENTRAL.bytes);
    central.writeUInt32LE(CENTRAL.signature, 0);
    writeSizes(central, 16, crc, body.length, name.length);
    central.writeUInt32LE(offset, 42);
    locals.push(local, name, body);
    centrals.push(central, name);
    offset += local.length + name.length + body.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(END.bytes);
  end.writeUInt32LE(END.signature, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

function entryOf(name: string, tensor: Tensor) {
  const body = npy(tensor);
  return { name: Buffer.from(name), body, crc: crc32(body) };
}

/** Checksum, packed and unpacked size and length of the name stand in this order in both records. */
function writeSizes(record: Buffer, at: number, crc: number, size: number, name: number): void {
  record.writeUInt32LE(crc, at);
  record.writeUInt32LE(size, at + 4);
  record.writeUInt32LE(size, at + 8);
  record.writeUInt16LE(name, at + 12);
}

function npy({ type, shape, data }: Tensor): Buffer {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const head = `{'descr': '${DESCRIPTIONS[type]}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const length = Math.ceil((head.length + 11) / ALIGNMENT) * ALIGNMENT - 10;
  const header = Buffer.alloc(10 + length, ' ');
  header.write('\x93NUMPY\x01\x00', 'latin1');
  header.writeUInt16LE(length, 8);
  header.write(head, 10, 'latin1');
  header.write('\n', 10 + length - 1);
  return Buffer.concat([header, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]);
}
