import { FlotillaError } from '@flotilla/protocol';
import { ELEMENT_TYPES, type Tensor, type TensorInfo, type Tensors } from './tensor.ts';

/** Elements in a tensor of this shape; a scalar (shape []) has one. */
export function elementCount(shape: readonly number[]): number {
  let product = 1;
  for (const dimension of shape) product *= dimension;
  return product;
}

/** The error for a tensor that does not fit; `reason` goes on from "tensor NAME". */
export function tensorError(name: string, reason: string): FlotillaError<'tensor.invalid'> {
  return new FlotillaError('tensor.invalid', { tensor: name.slice(0, 80), reason });
}

/** @throws FlotillaError `tensor.invalid` where the data does not fit the type and shape */
export function checkTensor(name: string, tensor: Tensor): void {
  const { type, shape, data } = tensor;
  const ArrayType = Object.hasOwn(ELEMENT_TYPES, type) && ELEMENT_TYPES[type];
  if (!ArrayType) throw tensorError(name, `has the unknown type ${String(type).slice(0, 20)}`);
  for (const dimension of shape) {
    if (Number.isSafeInteger(dimension) && dimension >= 0) continue;
    throw tensorError(name, `has the shape [${shape}]: dimensions must be whole numbers from 0`);
  }
  if (!(data instanceof ArrayType)) {
    throw tensorError(name, `of type ${type} must hold its data as ${ArrayType.name}`);
  }
  const count = elementCount(shape);
  if (data.length !== count) {
    throw tensorError(name, `of shape [${shape}] needs ${count} elements, not ${data.length}`);
  }
}

/**
 * Checks what is fed to a model against what it declares, so that a native runtime only ever
 * sees what fits.
 *
 * @throws FlotillaError `tensor.invalid`
 */
export function checkFeeds(feeds: Tensors, inputs: readonly TensorInfo[]): void {
  for (const { name, type, shape } of inputs) {
    const tensor = Object.hasOwn(feeds, name) ? feeds[name] : undefined;
    if (!tensor)
      throw tensorError(name, `is missing; the model takes ${namesOf(inputs).join(', ')}`);
    checkTensor(name, tensor);
    if (tensor.type !== type) {
      throw tensorError(name, `has type ${tensor.type}, the model takes ${type}`);
    }
    if (!shapeFits(tensor.shape, shape)) {
      const reason = `has shape [${tensor.shape}], the model takes [${shape}] (-1 is any size)`;
      throw tensorError(name, reason);
    }
  }
  const fed = Object.keys(feeds);
  if (fed.length === inputs.length) return;
  const names = namesOf(inputs);
  const extra = fed.find((name) => !names.includes(name));
  if (extra !== undefined) throw tensorError(extra, notAnInput(names));
}

const namesOf = (inputs: readonly TensorInfo[]) => inputs.map(({ name }) => name);

/** Reason for a tensor that the model does not take. */
export function notAnInput(names: readonly string[]): string {
  return `is not an input of the model, which takes ${names.join(', ')}`;
}

/** True where each dimension is the declared one or the declared one is -1. */
function shapeFits(shape: readonly number[], declared: readonly number[]): boolean {
  return (
    shape.length === declared.length &&
    declared.every((dimension, i) => dimension === -1 || dimension === shape[i])
  );
}
