import {
  ELEMENT_TYPES,
  numbersOf,
  type Tensor,
  type TensorInfo,
  type Tensors,
} from '@flotilla/model';
import { ortRuntime } from '@flotilla/model/node';
import { writeOnnx } from '../formats/onnx/write.ts';
import type { Model } from '../ir/graph.ts';
import { randomNumbers } from './small-net.ts';

/** Seeded feeds between −1 and 1 for what a model declares; sizes known only at run time become 1. */
export function randomFeeds(inputs: readonly TensorInfo[], seed: number): Tensors {
  const random = randomNumbers(seed);
  return Object.fromEntries(inputs.map((info) => [info.name, randomTensor(info, random)]));
}

function randomTensor({ type, shape }: TensorInfo, random: () => number): Tensor {
  const dims = shape.map((dim) => (dim < 0 ? 1 : dim));
  const count = dims.reduce((all, dim) => all * dim, 1);
  const values = Array.from({ length: count }, random);
  if (type === 'FP32') return { type, shape: dims, data: Float32Array.from(values) };
  if (type === 'FP16') {
    return { type, shape: dims, data: new Uint16Array(Float16Array.from(values).buffer) };
  }
  if (type === 'INT64') {
    return {
      type,
      shape: dims,
      data: BigInt64Array.from(values, (v) => BigInt(Math.round(v * 3))),
    };
  }
  const data = new ELEMENT_TYPES[type](count);
  return { type, shape: dims, data };
}

/** Writes a model, runs it in ONNX Runtime and gives its outputs, with the feeds they came from. */
export async function runModel(
  model: Model | Uint8Array,
  feeds: Tensors | number,
): Promise<{ feeds: Tensors; outputs: Tensors }> {
  const bytes = model instanceof Uint8Array ? model : writeOnnx(model);
  const session = await ortRuntime().load(bytes);
  try {
    const fed = typeof feeds === 'number' ? randomFeeds(session.inputs, feeds) : feeds;
    return { feeds: fed, outputs: await session.run(fed) };
  } finally {
    await session.dispose();
  }
}

/** Largest difference between two results, relative to the largest value of the first; NaN equals NaN. */
export function relativeError(expected: Tensors, actual: Tensors): number {
  const errors = Object.entries(expected).map(([name, tensor]) => {
    const other = actual[name];
    if (other === undefined || String(other.shape) !== String(tensor.shape)) return Infinity;
    const [a, b] = [tensor, other].map((each) => Array.from(numbersOf(each))) as [
      number[],
      number[],
    ];
    const scale = a.reduce((max, value) => Math.max(max, Math.abs(value) || 0), 1e-6);
    return a.reduce((max, value, i) => Math.max(max, difference(value, b[i]!) / scale), 0);
  });
  return Math.max(0, ...errors);
}

function difference(a: number, b: number): number {
  return Object.is(a, b) ? 0 : Math.abs(a - b);
}
