import { numbersOf, type TensorInfo, type Tensors, tensorOf } from '@flotilla/model';

/** Shapes of inputs whose sizes a model leaves open, by model file and input. */
const OPEN_SHAPES: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = {
  'silero_vad_16k_op15.onnx': { input: [1, 576], state: [2, 1, 128] },
};

/** The one value that an input of settings takes. */
const SETTINGS: Readonly<Record<string, number>> = { sr: 16_000 };

/** Feeds that look like a signal, the same in every run. */
export function feedsFor(model: string, inputs: readonly TensorInfo[]): Tensors {
  return Object.fromEntries(inputs.map((info) => [info.name, feed(model, info)]));
}

function feed(model: string, info: TensorInfo) {
  const shape = OPEN_SHAPES[model]?.[info.name] ?? info.shape.map((size) => Math.max(size, 1));
  const count = shape.reduce((all, size) => all * size, 1);
  const setting = SETTINGS[info.name];
  const values = Array.from(
    { length: count },
    (_, i) => setting ?? Math.sin(i * 0.7) + Math.cos(i * 0.031),
  );
  return tensorOf(values, shape, info.type);
}

/** Largest difference between results, relative to the largest value of the tensor it is in. */
export function relativeError(expected: Tensors, actual: Tensors): number {
  const errors = Object.entries(expected).map(([name, tensor]) => {
    const [a, b] = [Array.from(numbersOf(tensor)), Array.from(numbersOf(actual[name]!))];
    const scale = a.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-6);
    return a.reduce((max, value, i) => Math.max(max, Math.abs(value - b[i]!) / scale), 0);
  });
  return Math.max(...errors);
}
