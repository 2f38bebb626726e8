import type { Placement } from '../image/placement.ts';
import type { Tensor } from '../tensor.ts';

/** What a caller gives for one input: encoded bytes (an image, a WAV file, JSON) or a tensor. */
export type Raw = Uint8Array | Tensor;

/** One input made ready, and the numbers about each sample that drift is judged by. */
export interface Feed {
  readonly tensor: Tensor;
  readonly features: Readonly<Record<string, number>>;
  /** Of an image: where each sample of the batch lies in what the model sees. */
  readonly placements?: readonly Placement[];
}

/** Turns what a caller gives for one input into what the model takes. */
export interface Feeder {
  /** False where the caller gives nothing: constants. */
  readonly fromCaller: boolean;
  feed(raw: Raw, where: string): Promise<Feed>;
}

export function isTensor(raw: Raw): raw is Tensor {
  return !(raw instanceof Uint8Array);
}
