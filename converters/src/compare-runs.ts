import {
  numbersOf,
  type Session,
  type Tensor,
  type TensorInfo,
  type Tensors,
  tensorOf,
} from '@flotilla/model';
import { ortRuntime } from '@flotilla/model/node';
import { isFlotillaError } from '@flotilla/protocol';
import { loadModelIn } from './formats/onnx/session.ts';
import { allGraphs } from './ir/edit.ts';
import { isOp, type Model } from './ir/graph.ts';
import { RANDOM_OPERATORS } from './passes/random-operators.ts';
import { randomNumbers } from './random.ts';

/** How far two models are apart on made-up inputs. */
export interface RunComparison {
  readonly runs: number;
  /**
   * The largest difference of a float output, relative to the largest value of that output; null
   * where no float output was compared.
   */
  readonly difference: number | null;
  /** Where it is. */
  readonly output?: string;
  /** What was not compared, and why. */
  readonly notes: readonly string[];
}

const RUNS = 3;

/** Tried in turn for sizes known only at run time: some models refuse the smallest. */
const SIZES = [1, 16, 64, 224, 512];

/** Inputs of more elements are not made up. */
const MAX_ELEMENTS = 1 << 26;

/**
 * Runs a model and what was made of it on the same seeded inputs.
 *
 * @param before the file of the first, or the model itself
 * @param after the file of the second, which says what both take
 */
export async function compareRuns(
  before: string | Model,
  after: string,
  model: Model,
): Promise<RunComparison> {
  const random = allGraphs(model.graph).some((graph) =>
    graph.nodes.some((node) => isOp(node, ...RANDOM_OPERATORS)),
  );
  if (random) return notCompared('the model draws random numbers');
  const sessions: Session[] = [];
  try {
    const runtime = ortRuntime();
    sessions.push(
      typeof before === 'string' ? await runtime.load(before) : await loadModelIn(runtime, before),
    );
    sessions.push(await runtime.load(after));
    return await compareSessions(sessions[0]!, sessions[1]!);
  } finally {
    for (const session of sessions) await session.dispose();
  }
}

function notCompared(reason: string): RunComparison {
  return { runs: 0, difference: null, notes: [`the results were not compared: ${reason}`] };
}

async function compareSessions(before: Session, after: Session): Promise<RunComparison> {
  const found = await firstRun(before, after.inputs);
  if (typeof found === 'string') return notCompared(found);
  let worst: { readonly difference: number; readonly output: string } | undefined;
  const notes = new Set<string>();
  let runs = 0;
  for (let seed = 1; seed <= RUNS; seed++) {
    const feeds = makeFeeds(after.inputs, found.size, seed);
    const expected = await tryRun(before, feeds);
    if (typeof expected === 'string') {
      notes.add(`of ${RUNS} made-up inputs, some were not compared: ${expected}`);
      continue;
    }
    const actual = await after.run(feeds);
    runs++;
    for (const [output, tensor] of Object.entries(expected)) {
      const difference = differenceOf(tensor, actual[output]);
      if (isFloat(tensor) || difference === Infinity) {
        if (worst === undefined || difference > worst.difference) worst = { difference, output };
      } else if (difference > 0) {
        notes.add(`output ${JSON.stringify(output)}, which is ${tensor.type}, differs`);
      }
    }
  }
  return { runs, difference: null, ...worst, notes: [...notes] };
}

/** The least size for open dimensions with which the model runs, or why it runs with none. */
async function firstRun(
  session: Session,
  inputs: readonly TensorInfo[],
): Promise<{ readonly size: number } | string> {
  let reason = '';
  for (const size of SIZES) {
    const elements = inputs.map(({ shape }) => count(dimsOf(shape, size)));
    if (elements.some((each) => each > MAX_ELEMENTS)) return reason || 'its inputs are too large';
    const results = await tryRun(session, makeFeeds(inputs, size, 1));
    if (typeof results !== 'string') return { size };
    reason = results;
    if (inputs.every(({ shape }) => shape.every((dim) => dim >= 0))) break;
  }
  return reason;
}

/** Results, or why there are none: a table may have fewer rows than a made-up number asks for. */
async function tryRun(session: Session, feeds: Tensors): Promise<Tensors | string> {
  try {
    return await session.run(feeds);
  } catch (error) {
    if (!isFlotillaError(error)) throw error;
    return `it refuses made-up inputs: ${error.message}`;
  }
}

function dimsOf(shape: readonly number[], size: number): number[] {
  return shape.map((dim) => (dim < 0 ? size : dim));
}

function count(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/** Floats between -1 and 1, integers from 0 to 3, which most lookups allow. */
function makeFeeds(inputs: readonly TensorInfo[], size: number, seed: number): Tensors {
  const random = randomNumbers(seed);
  return Object.fromEntries(
    inputs.map(({ name, type, shape }) => [name, makeTensor(type, dimsOf(shape, size), random)]),
  );
}

function makeTensor(type: Tensor['type'], shape: number[], random: () => number): Tensor {
  const values = Float32Array.from({ length: count(shape) }, random);
  if (isFloat({ type })) return tensorOf(values, shape, type);
  const whole = values.map((value) => Math.abs(Math.round(value * (type === 'BOOL' ? 1 : 3))));
  return tensorOf(whole, shape, type);
}

function isFloat({ type }: Pick<Tensor, 'type'>): boolean {
  return type === 'FP32' || type === 'FP64' || type === 'FP16';
}

/** Infinity where shapes differ, or one is not a number and the other is. */
function differenceOf(expected: Tensor, actual: Tensor | undefined): number {
  if (actual === undefined || String(actual.shape) !== String(expected.shape)) return Infinity;
  const [a, b] = [numbersOf(expected), numbersOf(actual)];
  let largest = 1e-6;
  let worst = 0;
  for (const [i, x] of a.entries()) {
    const y = b[i] ?? Number.NaN;
    if (Number.isFinite(x)) largest = Math.max(largest, Math.abs(x));
    if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
    const difference = Math.abs(x - y);
    worst = Math.max(worst, Number.isNaN(difference) ? Infinity : difference);
  }
  return worst / largest;
}
