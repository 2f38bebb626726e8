import type { Tensors } from '@flotilla/model';
import { FlotillaError } from '@flotilla/protocol';
import type { Model, ValueInfo } from '../ir/graph.ts';
import type { TensorValue } from '../ir/tensor.ts';
import { constantOf } from '../ops/runtime-tensors.ts';
import { refreshValueInfo } from '../ops/value-info.ts';

/**
 * Makes inputs that always get the same value constants of the model, in place; the model no longer
 * takes them then. What depends on them, such as the choice of a branch, can be folded afterwards.
 *
 * @throws FlotillaError `shape.unfit` naming an input that is not there or that the value does not fit
 */
export function bindConstants(model: Model, values: Tensors): void {
  const { graph } = model;
  for (const [name, tensor] of Object.entries(values)) {
    const input = graph.inputs.find((info) => info.name === name);
    const value = constantOf(tensor);
    const reason = input ? unfit(input, value) : 'no input has that name';
    if (reason !== undefined) throw new FlotillaError('shape.unfit', { name, reason });
    graph.inputs = graph.inputs.filter((info) => info !== input);
    graph.initializers.set(name, value);
  }
  refreshValueInfo(model);
}

function unfit({ type }: ValueInfo, { dtype, dims }: TensorValue): string | undefined {
  if (type?.kind !== 'tensor') return type && 'it is no tensor';
  if (type.dtype !== dtype) return `it is ${type.dtype}, the value ${dtype}`;
  const { shape } = type;
  const fits = shape?.every((dim, axis) => typeof dim !== 'number' || dim === dims[axis]) ?? true;
  if (fits && (shape?.length ?? dims.length) === dims.length) return undefined;
  return `its shape is [${shape?.map((dim) => dim ?? '?')}], that of the value [${dims}]`;
}
