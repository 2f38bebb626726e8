import { readFile } from 'node:fs/promises';
import { readModel, runPasses, writeModel } from '@flotilla/converters';
import {
  elementCount,
  numbersOf,
  type Session,
  type Tensor,
  type TensorInfo,
  type Tensors,
} from '@flotilla/model';
import { ortRuntime } from '@flotilla/model/node';
import { isFlotillaError } from '@flotilla/protocol';
import type { Case } from './archive.ts';
import { canonical } from './canonical.ts';
import { parseTensor } from './tensors.ts';

/** What became of a case; a reason is one line. */
export interface Outcome {
  readonly name: string;
  /** Why what was written means something else than what was read; undefined where it does not. */
  readonly changed?: string;
  /** `right`: computes what the suite expects after all passes; `same`: what it computed before. */
  readonly result: 'right' | 'same' | 'wrong' | 'not-run';
  readonly reason?: string;
}

/** What results may differ by: 1e-5 and a thousandth. */
const ABSOLUTE = 1e-5;
const RELATIVE = 1e-3;

/** Reads and writes a case, then runs it as it came and after all passes. */
export async function checkCase(each: Case): Promise<Outcome> {
  const { name, modelFile, plain } = each;
  const bytes = new Uint8Array(await readFile(modelFile));
  const written = writeModel(await readModel(modelFile));
  const changed =
    canonical(bytes) === canonical(written) ? {} : { changed: 'its messages differ when written' };
  if (plain === 'CRASH') {
    return { name, ...changed, result: 'not-run', reason: 'it makes ONNX Runtime abort' };
  }
  try {
    return { name, ...changed, ...(await compareRuns(each, written)) };
  } catch (error) {
    if (error instanceof Declined) {
      return { name, ...changed, result: 'not-run', reason: error.message };
    }
    const reason = error instanceof Error ? error.message : String(error);
    return { name, ...changed, result: 'wrong', reason };
  }
}

/** The case cannot be run as it came: that says nothing against reading, writing and passes. */
class Declined extends Error {}

async function compareRuns(
  { modelFile, inputs, outputs }: Case,
  written: Uint8Array,
): Promise<Pick<Outcome, 'result' | 'reason'>> {
  const before = await load(written);
  const fed = await feedsOf(inputs, before.inputs).finally(() => before.dispose());
  const plain = await declining(() => run(written, fed));
  const model = await readModel(modelFile);
  await runPasses(model);
  const after = await run(writeModel(model), fed);
  const expected = await tensorsOf(
    outputs,
    before.outputs.map(({ name }) => name),
  );
  const wrong = difference(expected, after);
  if (wrong === undefined) return { result: 'right' };
  if (difference(expected, plain) === undefined) return { result: 'wrong', reason: wrong };
  const moved = difference(plain, after);
  return moved === undefined ? { result: 'same' } : { result: 'wrong', reason: moved };
}

async function load(bytes: Uint8Array): Promise<Session> {
  return await declining(() => ortRuntime().load(bytes));
}

async function declining<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isFlotillaError(error)) throw new Declined(error.message, { cause: error });
    throw error;
  }
}

async function run(bytes: Uint8Array, feeds: Tensors): Promise<Tensors> {
  const session = await ortRuntime().load(bytes);
  try {
    return await session.run(feeds);
  } finally {
    await session.dispose();
  }
}

/** The suite's inputs; where it has none (light models), those that its own runner makes. */
async function feedsOf(files: readonly string[], infos: readonly TensorInfo[]): Promise<Tensors> {
  if (files.length > 0)
    return await tensorsOf(
      files,
      infos.map(({ name }) => name),
    );
  return Object.fromEntries(infos.map((info) => [info.name, ramp(info)]));
}

function ramp({ type, shape }: TensorInfo): Tensor {
  const count = elementCount(shape);
  return { type, shape, data: Float32Array.from({ length: count }, (_, i) => i / count) };
}

async function tensorsOf(files: readonly string[], names: readonly string[]): Promise<Tensors> {
  const tensors: Record<string, Tensor> = {};
  for (const [i, file] of files.entries()) {
    const tensor = parseTensor(new Uint8Array(await readFile(file)));
    const name = names[i];
    if (tensor === undefined) throw new Declined(`value ${i} is of a type that cannot be fed here`);
    if (name !== undefined) tensors[name] = tensor;
  }
  return tensors;
}

/** The first place where results differ by more than they may. */
function difference(expected: Tensors, actual: Tensors): string | undefined {
  for (const [name, tensor] of Object.entries(expected)) {
    const other = actual[name];
    if (other === undefined) return `${name} is missing`;
    if (other.shape.join() !== tensor.shape.join()) {
      return `${name} has shape [${other.shape}] instead of [${tensor.shape}]`;
    }
    const [a, b] = [numbersOf(tensor), numbersOf(other)];
    const at = a.findIndex((value, i) => !isNear(value, b[i] ?? Number.NaN));
    if (at >= 0) return `${name}[${at}] is ${b[at]} instead of ${a[at]}`;
  }
  return undefined;
}

function isNear(expected: number, actual: number): boolean {
  if (Object.is(expected, actual) || expected === actual) return true;
  return Math.abs(expected - actual) <= ABSOLUTE + RELATIVE * Math.abs(expected);
}
