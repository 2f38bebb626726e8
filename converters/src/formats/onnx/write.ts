import { FlotillaError } from '@flotilla/protocol';
import type { Model } from '../../ir/graph.ts';
import { storageOf } from '../../ir/stored.ts';
import { modelDraft } from './draft.ts';
import type { TensorProto } from './onnx.gen.ts';
import { encodePieces, type Payload, totalLength } from './payloads.ts';
import { MAX_MESSAGE_BYTES } from './schema.ts';

/** Raw data from this size on goes to the file from where it lies; less is copied with the rest. */
const PAYLOAD_BYTES = 1024;

/**
 * Writes a model as an ONNX file in one piece. The same model gives the same bytes.
 *
 * @throws FlotillaError `model.too-large` where protobuf cannot hold it: see `writeOnnxFile`
 */
export function writeOnnx(model: Model): Uint8Array<ArrayBuffer> {
  const pieces = onnxPieces(model);
  const length = totalLength(pieces);
  if (length > MAX_MESSAGE_BYTES) throw tooLarge(model, length);
  const bytes = new Uint8Array(length);
  let end = 0;
  for (const chunk of chunksOf(pieces)) {
    bytes.set(chunk, end);
    end += chunk.length;
  }
  return bytes;
}

/** Where an initializer lies outside of the model file; undefined where inside. */
export type Outside = (storage: Payload) => TensorProto['externalData'] | undefined;

/** The file of a model in pieces; initializers that `outside` takes are not among them. */
export function onnxPieces(model: Model, outside: Outside = () => undefined): Payload[] {
  const { message, payloads } = modelDraft(model, (tensor, initializer) => {
    const payload = storageOf(tensor);
    const externalData = initializer ? outside(payload) : undefined;
    if (externalData) return { fields: { dataLocation: 1, externalData } };
    const small = payload instanceof Uint8Array && payload.length < PAYLOAD_BYTES;
    return small ? { fields: { rawData: payload } } : { payload };
  });
  return encodePieces(message, payloads);
}

/** The bytes of all pieces, a bounded part of them in memory; each chunk is overwritten by the next. */
export function* chunksOf(pieces: Iterable<Payload>): Iterable<Uint8Array> {
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) yield piece;
    else yield* piece.pieces();
  }
}

export function tooLarge(model: Model, bytes: number): FlotillaError {
  return new FlotillaError('model.too-large', {
    graph: model.graph.name,
    bytes,
    most: MAX_MESSAGE_BYTES,
  });
}
