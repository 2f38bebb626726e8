import {
  ELEMENT_TYPES,
  type ElementType,
  numbersOf,
  type Runtime,
  type Session,
  type Tensor,
  type TensorInfo,
  type Tensors,
} from '@flotilla/model';
import { isFlotillaError } from '@flotilla/protocol';

/** Models that the essentials run. */
export interface EssentialModels {
  /** y = relu(x), FP32 [n, 2]. */
  readonly relu: Uint8Array;
  /** A network of convolutions with one FP32 input. */
  readonly network: Uint8Array;
  /** y = quantize(x) as INT8, z = dequantize(y): takes x [n], scale [] and zero [] (INT8). */
  readonly quantize: Uint8Array;
  /** For TFLite: sum = a + b and positive = relu(a), FP32 [4]. */
  readonly tflite: Uint8Array;
  /** y = x of each element type, [n]. */
  readonly identity: Readonly<Record<ElementType, Uint8Array>>;
}

/** What a runtime did, to be compared with what it does elsewhere. */
export interface Essentials {
  readonly inputs: readonly TensorInfo[];
  readonly provider: string;
  readonly fallbacks: readonly string[];
  readonly relu: readonly number[];
  readonly overlapping: readonly number[];
  /** Not to the last digit: vector units of two processors add in different orders. */
  readonly network: readonly number[];
  readonly quantized: readonly number[];
  /** Error code for what is no model. */
  readonly garbage: string;
}

const fp32 = (shape: readonly number[], values: readonly number[]): Tensor => ({
  type: 'FP32',
  shape,
  data: Float32Array.from(values),
});

/** Takes a runtime through what every one must do. */
export async function runEssentials(
  runtime: Runtime,
  models: EssentialModels,
): Promise<Essentials> {
  const session = await runtime.load(models.relu, { providers: ['none', 'cpu'] });
  const { inputs, provider, fallbacks } = session;
  const run = async (values: readonly number[]) =>
    numbers((await session.run({ x: fp32([values.length / 2, 2], values) })).y);
  const relu = await run([-1, 2, -3, 4]);
  const pairs = await Promise.all(Array.from({ length: 20 }, (_, i) => run([i, -i])));
  await session.dispose();
  return {
    inputs,
    provider,
    fallbacks: fallbacks.map((fallback) => fallback.provider),
    relu,
    overlapping: pairs.flat(),
    network: await runNetwork(runtime, models.network),
    quantized: await runQuantize(runtime, models.quantize),
    garbage: await codeOf(runtime.load(new Uint8Array(100))),
  };
}

/** Takes TFLite through a model of two inputs and two outputs. */
export const runTflite = (
  runtime: Runtime,
  models: EssentialModels,
): Promise<Readonly<Record<string, readonly number[]>>> =>
  using(runtime, models.tflite, async (session) => {
    const feeds = { a: fp32([4], [1, -2, 3, -4]), b: fp32([4], [0.5, 0.5, -9, 100]) };
    const outputs = await session.run(feeds);
    return Object.fromEntries(
      Object.entries(outputs).map(([name, tensor]) => [name, numbers(tensor)]),
    );
  });

async function runNetwork(runtime: Runtime, model: Uint8Array): Promise<number[]> {
  return using(runtime, model, async (session) => {
    const [input] = session.inputs;
    const [output] = session.outputs;
    if (!input || !output) throw new Error('the network has no input or output');
    const shape = input.shape.map((n) => Math.max(n, 1));
    const length = shape.reduce((product, n) => product * n, 1);
    const values = Array.from({ length }, (_, i) => Math.sin(i));
    const outputs = await session.run({ [input.name]: fp32(shape, values) });
    return numbers(outputs[output.name]);
  });
}

const runQuantize = (runtime: Runtime, model: Uint8Array): Promise<number[]> =>
  using(runtime, model, async (session) => {
    const feeds: Tensors = {
      x: fp32([5], [-100, -0.3, 0, 0.7, 100]),
      scale: fp32([], [0.5]),
      zero: { type: 'INT8', shape: [], data: Int8Array.of(-3) },
    };
    const { y, z } = await session.run(feeds);
    return [...numbers(y), ...numbers(z)];
  });

/** Element types that come back as they went in. */
export async function passedTypes(
  runtime: Runtime,
  { identity }: EssentialModels,
): Promise<string[]> {
  const passed: string[] = [];
  for (const [type, model] of Object.entries(identity) as [ElementType, Uint8Array][]) {
    const data = new ELEMENT_TYPES[type](3);
    new Uint8Array(data.buffer).set([1, 0, 1]);
    const y = await using(runtime, model, async (session) => {
      return (await session.run({ x: { type, shape: [3], data } })).y;
    });
    if (y?.type === type && String(y.data) === String(data)) passed.push(type);
  }
  return passed;
}

async function using<T>(
  runtime: Runtime,
  model: Uint8Array,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await runtime.load(model);
  try {
    return await use(session);
  } finally {
    await session.dispose();
  }
}

/** JSON knows no negative zero. */
const numbers = (tensor: Tensor | undefined): number[] =>
  tensor === undefined ? [] : Array.from(numbersOf(tensor), (value) => value + 0);

async function codeOf(loading: Promise<unknown>): Promise<string> {
  try {
    await loading;
  } catch (error) {
    return isFlotillaError(error) ? error.code : String(error);
  }
  return 'none';
}
