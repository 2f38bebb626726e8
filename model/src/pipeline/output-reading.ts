import { FlotillaError } from '@flotilla/protocol';
import type { Placement } from '../image/placement.ts';
import type { InputSpec } from '../spec/types.ts';
import type { Tensor, Tensors } from '../tensor.ts';
import { numbersOf } from './numbers.ts';
import type { Prediction } from './prediction.ts';
import type { Prepared } from './prepared.ts';

/** Reads what a run gave into one prediction a sample. */
export type OutputReader = (outputs: Tensors, prepared: Prepared) => Prediction[];

/** What readers know of a model beyond their own output. */
export interface ReadContext {
  readonly model: string;
  readonly labels: readonly string[] | undefined;
  readonly inputs: Readonly<Record<string, InputSpec>>;
  /** Of samples that have none, where every image that the model sees has one size. */
  readonly placement: Placement | undefined;
}

/** The error for an output that does not fit the spec. */
export function outputMismatch(
  { model }: Pick<ReadContext, 'model'>,
  tensor: string,
  reason: string,
): FlotillaError<'spec.mismatch'> {
  return new FlotillaError('spec.mismatch', { model, where: `output ${tensor}`, reason });
}

/** @throws FlotillaError `spec.mismatch` where the run gave no such tensor */
export function outputNamed(context: ReadContext, outputs: Tensors, name: string): Tensor {
  const tensor = Object.hasOwn(outputs, name) ? outputs[name] : undefined;
  if (tensor) return tensor;
  const names = Object.keys(outputs).join(', ');
  throw outputMismatch(context, name, `is not among the model's outputs ${names}`);
}

/**
 * The numbers of each sample of a batch [batch, …]; a tensor of one dimension is one sample. There is
 * no sample in a tensor without numbers, whatever batch its shape claims.
 */
export function samplesOf(tensor: Tensor): (Float32Array | Float64Array)[] {
  const numbers = numbersOf(tensor);
  if (numbers.length === 0) return [];
  const batch = tensor.shape.length > 1 ? tensor.shape[0]! : 1;
  if (batch === 1) return [numbers];
  const size = numbers.length / batch;
  return Array.from({ length: batch }, (_, i) => numbers.subarray(i * size, (i + 1) * size));
}
