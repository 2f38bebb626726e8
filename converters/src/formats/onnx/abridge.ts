import { randomUUID } from 'node:crypto';
import protobuf from 'protobufjs/light.js';
import { Unreadable } from './read-tensor.ts';
import { encodeTensor } from './schema.ts';
import type { StoredFile } from './stored-file.ts';
import { WireScanner } from './wire-scanner.ts';

/** Length-delimited fields shorter than this are copied without a look into them. */
const INLINE_BYTES = 4096;
/** Depth of messages that protobuf decoders take by default (protoc: CodedInputStream). */
const MAX_DEPTH = 100;

/** Fields by number that lead to the raw data of tensors, and that raw data itself. */
type Route = Map<number, Route | 'raw'>;

/** By the field numbers of onnx.proto. */
function modelRoute(): Route {
  const tensor: Route = new Map([[9, 'raw']]);
  const attribute: Route = new Map<number, Route>([
    [5, tensor],
    [10, tensor],
  ]);
  const graph: Route = new Map<number, Route>([
    [1, new Map([[5, attribute]])],
    [5, tensor],
  ]);
  attribute.set(6, graph).set(11, graph);
  return new Map([[7, graph]]);
}

export interface Abridged {
  /** The file without the raw data of larger tensors, each of which is said to lie at `token`. */
  readonly bytes: Uint8Array;
  /** A location of external data that no file can name. */
  readonly token: string;
}

/** Copies a model file without its weights, so that a file of any size is read in little memory. */
export function abridge(file: StoredFile): Abridged {
  const token = `the model file (${randomUUID()})`;
  const scanner = new WireScanner(file);

  /** It ends its tensor, because the last of a field counts and a file may say "in this file" after the data. */
  function reference(offset: number, length: number): Uint8Array {
    const entries = { location: token, offset: String(offset), length: String(length) };
    const externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
    return encodeTensor({ dataLocation: 1, externalData });
  }

  /** The message between two positions, without the raw data that the route leads to. */
  function message(start: number, end: number, route: Route, depth: number): Uint8Array {
    if (depth > MAX_DEPTH) throw new Unreadable('cut off or damaged: it is nested too deep');
    const pieces: Uint8Array[] = [];
    let ending: Uint8Array = new Uint8Array();
    let copied = start;
    for (let at = start; at < end; ) {
      const field = scanner.field(at, end);
      const next = field.delimited ? route.get(field.number) : undefined;
      const length = field.end - field.start;
      if (next !== undefined && length >= INLINE_BYTES) {
        pieces.push(file.readNow(copied, at - copied));
        if (next === 'raw') ending = reference(field.start, length);
        else
          pieces.push(...delimited(field.number, message(field.start, field.end, next, depth + 1)));
        copied = field.end;
      }
      at = field.end;
    }
    pieces.push(file.readNow(copied, end - copied), ending);
    return concat(pieces);
  }

  return { bytes: message(0, file.size, modelRoute(), 0), token };
}

function delimited(field: number, bytes: Uint8Array): Uint8Array[] {
  return [
    protobuf.Writer.create()
      .uint32((field << 3) | 2)
      .uint32(bytes.length)
      .finish(),
    bytes,
  ];
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let end = 0;
  for (const piece of pieces) {
    bytes.set(piece, end);
    end += piece.length;
  }
  return bytes;
}
