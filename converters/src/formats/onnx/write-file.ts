import { rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { type StagedFile, stageFile, syncFolder, writeFileDurably } from '@flotilla/protocol/node';
import type { Model } from '../../ir/graph.ts';
import { type Payload, totalLength } from './payloads.ts';
import { MAX_MESSAGE_BYTES } from './schema.ts';
import { chunksOf, type Outside, onnxPieces, tooLarge } from './write.ts';

/** Constants below this stay in the model file: ONNX Runtime infers shapes from them. */
const LEAST_EXTERNAL_BYTES = 1024;

/** Large tensors begin on a page, so that a runtime can map them (ONNX IR.md, external tensor data). */
const PAGE_BYTES = 4096;

export interface WriteFileOptions {
  /**
   * Initializers of at least so many bytes go to a file beside the model; at least 1 KiB. Left out,
   * they do where the model does not fit into one file (2 GiB).
   */
  readonly externalAbove?: number;
}

/**
 * Writes a model to `path`, and its weights to `path` + `.data` where they do not fit or are asked
 * for there. After a power cut there is the file as before, no file, or the whole. The same model
 * and options give the same bytes.
 *
 * @returns the paths written, the model first
 * @throws FlotillaError `model.too-large` where even without weights it does not fit
 */
export async function writeOnnxFile(
  model: Model,
  path: string,
  { externalAbove }: WriteFileOptions = {},
): Promise<string[]> {
  const whole = externalAbove === undefined ? onnxPieces(model) : undefined;
  if (whole && totalLength(whole) <= MAX_MESSAGE_BYTES) {
    await writeFileDurably(path, chunksOf(whole));
    return [path];
  }
  const dataPath = `${path}.data`;
  const data = new DataLayout(basename(dataPath), externalAbove ?? LEAST_EXTERNAL_BYTES);
  const pieces = onnxPieces(model, data.place);
  const length = totalLength(pieces);
  if (length > MAX_MESSAGE_BYTES) throw tooLarge(model, length);
  if (data.pieces.length === 0) {
    await writeFileDurably(path, chunksOf(pieces));
    return [path];
  }
  const weights = await stageFile(dataPath, chunksOf(data.pieces));
  try {
    await commit([weights, await stageFile(path, chunksOf(pieces))], path);
  } finally {
    await weights.discard();
  }
  return [path, dataPath];
}

/** Never an old model beside new weights: the old one goes before they come. */
async function commit(files: readonly StagedFile[], modelPath: string): Promise<void> {
  try {
    await rm(modelPath, { force: true });
    await syncFolder(dirname(modelPath));
    for (const file of files) await file.commit();
    await syncFolder(dirname(modelPath));
  } finally {
    for (const file of files) await file.discard();
  }
}

/** Lays weights one after the other; what two initializers share is laid once. */
class DataLayout {
  readonly pieces: Payload[] = [];
  readonly #name: string;
  readonly #least: number;
  readonly #offsets = new Map<Payload, number>();
  #end = 0;

  constructor(name: string, leastBytes: number) {
    this.#name = name;
    this.#least = Math.max(leastBytes, LEAST_EXTERNAL_BYTES);
  }

  readonly place: Outside = (payload) => {
    if (payload.length < this.#least) return undefined;
    const offset = this.#offsets.get(payload) ?? this.#append(payload);
    const entries = { location: this.#name, offset, length: payload.length };
    return Object.entries(entries).map(([key, value]) => ({ key, value: String(value) }));
  };

  #append(payload: Payload): number {
    const padding =
      payload.length < PAGE_BYTES ? 0 : (PAGE_BYTES - (this.#end % PAGE_BYTES)) % PAGE_BYTES;
    if (padding > 0) this.pieces.push(new Uint8Array(padding));
    const offset = this.#end + padding;
    this.pieces.push(payload);
    this.#offsets.set(payload, offset);
    this.#end = offset + payload.length;
    return offset;
  }
}
