import { readFile } from 'node:fs/promises';
import { FlotillaError } from '@flotilla/protocol';
import type { LoadOptions, ModelData, Session } from '../../runtime.ts';
import {
  ELEMENT_TYPES,
  type ElementType,
  type Tensor,
  type TensorInfo,
  type Tensors,
} from '../../tensor.ts';
import { elementCount } from '../../tensors.ts';
import { guardedSession } from '../guarded-session.ts';
import { reasonOf, tryProviders } from '../try-providers.ts';
import type { List, Runner, WebModule, WebTensor, WebTflite } from './web-module.ts';

/** Name of TFLite among the runtimes of a device, and what a bundle calls it. */
export const TFLITE = 'tflite';
export const TFLITE_PROVIDERS = ['cpu'] as const;

/** As the module names them. */
const TYPES: Readonly<Record<string, ElementType>> = {
  float32: 'FP32',
  float64: 'FP64',
  int8: 'INT8',
  uint8: 'UINT8',
  int16: 'INT16',
  int32: 'INT32',
  uint32: 'UINT32',
  int64: 'INT64',
  bool: 'BOOL',
};

const ONE_THREAD = {
  numThreads: 1,
  enableProfiling: false,
  maxProfilingBufferEntries: 0,
  profilingReportAsCsv: false,
} as const;

/** A model in an instance of its own, on the calling thread and on one core. */
export async function loadSession(
  tflite: WebTflite,
  model: ModelData,
  { providers }: LoadOptions = {},
): Promise<Session> {
  const { loaded, provider, fallbacks } = await tryProviders(providers, TFLITE_PROVIDERS, (name) =>
    load(tflite, model, name),
  );
  const { runner, inputs, outputs } = loaded;
  return guardedSession(
    {
      inputs: inputs.map(({ info }) => info),
      outputs: outputs.map(({ info }) => info),
      runtime: TFLITE,
      provider,
      fallbacks,
    },
    {
      run: (feeds) => runModel(loaded, feeds),
      // the instance's memory, with the model in it, goes when nothing refers to it any more
      release: () => runner.delete(),
    },
  );
}

interface Place {
  readonly info: TensorInfo;
  readonly tensor: WebTensor;
}

interface Loaded {
  readonly runner: Runner;
  readonly inputs: readonly Place[];
  readonly outputs: readonly Place[];
  /** What TFLite said went wrong, since it was last asked. */
  said(): string;
}

async function load(tflite: WebTflite, model: ModelData, provider: string): Promise<Loaded> {
  if (provider !== 'cpu') throw new Error(`TFLite has no provider ${provider} here, only cpu`);
  const bytes = typeof model === 'string' ? await readFile(model) : model;
  checkFormat(bytes);
  const lines: string[] = [];
  const said = () => lines.splice(0).join('; ');
  const module = await tflite.instance((line) => {
    // without the line of its source
    const error = /^ERROR: (?:\S+\.(?:h|cc):\d+ )?(.*)/.exec(line)?.[1];
    if (error !== undefined && lines.length < MAX_LINES) lines.push(error);
  });
  const runner = createRunner(module, bytes, said);
  return {
    runner,
    inputs: places(runner.GetInputs(), 'input'),
    outputs: places(runner.GetOutputs(), 'output'),
    said,
  };
}

const MAX_LINES = 8;

/** Bytes 4 to 7 of the file (schema.fbs, file_identifier). */
function checkFormat(bytes: Uint8Array): void {
  const identifier = String.fromCharCode(...bytes.subarray(4, 8));
  if (identifier !== 'TFL3') throw new Error('it is no TFLite model: it lacks the mark TFL3');
}

/** The model's bytes stay where they are put: TFLite reads its weights from there. */
function createRunner(module: WebModule, bytes: Uint8Array, said: () => string): Runner {
  const address = module._malloc(bytes.length);
  if (address === 0) throw new Error(`its ${bytes.length} bytes do not fit into memory`);
  module.HEAPU8.set(bytes, address);
  const { TFLiteWebModelRunner: runners } = module;
  const status = runners.CreateFromBufferAndOptions(address, bytes.length, ONE_THREAD);
  if (!status.ok()) throw new Error(said() || status.errorMessage());
  return status.value();
}

function places(list: List<WebTensor>, side: 'input' | 'output'): Place[] {
  const tensors = Array.from({ length: list.size() }, (_, index) => list.get(index));
  const names = tensors.map(({ name }) => name);
  return tensors.map((tensor, index) => {
    const own = tensor.name !== '' && names.indexOf(tensor.name) === index;
    const name = own ? tensor.name : `${side}_${index}`;
    const type = TYPES[tensor.dataType];
    if (type !== undefined) return { info: { name, type, shape: shapeOf(tensor) }, tensor };
    throw new Error(`${side} ${name} is of type ${tensor.dataType}, which cannot be fed or read`);
  });
}

/** A scalar has the empty text. */
const shapeOf = ({ shape }: WebTensor): number[] =>
  shape === '' ? [] : shape.split(',').map(Number);

function runModel({ runner, inputs, outputs, said }: Loaded, feeds: Tensors): Tensors {
  try {
    for (const { info, tensor } of inputs) {
      const feed = feeds[info.name];
      if (feed !== undefined) copy(info.name, tensor.data(), feed.data);
    }
    if (!runner.Infer()) throw new Error(said() || 'TFLite gives no reason');
    return Object.fromEntries(outputs.map(({ info, tensor }) => [info.name, read(info, tensor)]));
  } catch (cause) {
    throw new FlotillaError('runtime.run-failed', { reason: reasonOf(cause) }, { cause });
  }
}

function read({ name, type }: TensorInfo, tensor: WebTensor): Tensor {
  const shape = shapeOf(tensor);
  const data = new ELEMENT_TYPES[type](elementCount(shape));
  copy(name, data, tensor.data());
  return { type, shape, data };
}

/** Sizes differ where a model makes a shape of its own while it runs, which is not followed. */
function copy(name: string, into: NodeJS.TypedArray, from: NodeJS.TypedArray): void {
  if (into.byteLength !== from.byteLength) {
    throw new Error(`${name} has another size than the model declares`);
  }
  bytesOf(into).set(bytesOf(from));
}

const bytesOf = (data: NodeJS.TypedArray): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
