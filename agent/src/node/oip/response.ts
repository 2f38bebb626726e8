/** Inference responses of the Open Inference Protocol v2, JSON or with binary tensor data. */
import { numbersOf, type Prediction, type Tensor } from '@flotilla/model';
import type { Inference } from '../../core/index.ts';
import { bad, type InferRequest } from './request.ts';

export interface InferResponse {
  readonly contentType: string;
  /** For `Inference-Header-Content-Length`; undefined where all is JSON. */
  readonly headLength: number | undefined;
  readonly body: Uint8Array;
}

interface Output {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  json(): unknown[];
  binary(): Uint8Array;
}

/**
 * Writes the outputs of a run. A classification also gives `class_index`, `label` and `confidence`,
 * one element a sample, where the model has no outputs of these names.
 *
 * @throws FlotillaError `infer.bad-request` where an output is wanted that is not there
 */
export function writeInferResponse(
  slot: string,
  request: InferRequest,
  inference: Inference,
): InferResponse {
  const outputs = allOutputs(inference);
  const wanted =
    request.outputs ?? [...outputs.keys()].map((name) => ({ name, binary: request.binary }));
  const parts: Uint8Array[] = [];
  const heads = wanted.map(({ name, binary }) => {
    const output = outputs.get(name);
    if (output === undefined) {
      throw bad(`output ${name}`, `the model has ${[...outputs.keys()].join(', ')}`);
    }
    const { datatype, shape } = output;
    if (!binary) return { name, datatype, shape, data: output.json() };
    const bytes = output.binary();
    parts.push(bytes);
    return { name, datatype, shape, parameters: { binary_data_size: bytes.length } };
  });
  const head = Buffer.from(
    JSON.stringify({
      model_name: slot,
      model_version: String(inference.installed.version),
      ...(request.id === undefined ? {} : { id: request.id }),
      parameters: { latency_us: Math.round(inference.latencyUs) },
      outputs: heads,
    }),
  );
  if (parts.length === 0) {
    return { contentType: 'application/json', headLength: undefined, body: head };
  }
  const body = Buffer.concat([head, ...parts]);
  return { contentType: 'application/octet-stream', headLength: head.length, body };
}

function allOutputs({ outputs, predictions }: Inference): Map<string, Output> {
  const found = new Map<string, Output>();
  for (const output of [
    ...Object.entries(outputs).map(([name, tensor]) => tensorOutput(name, tensor)),
    ...classificationOutputs(predictions),
  ]) {
    if (!found.has(output.name)) found.set(output.name, output);
  }
  return found;
}

function tensorOutput(name: string, tensor: Tensor): Output {
  const { type: datatype, shape, data } = tensor;
  return {
    name,
    datatype,
    shape,
    json: () => {
      const values = Array.from(numbersOf(tensor));
      return datatype === 'BOOL' ? values.map((value) => value !== 0) : values;
    },
    binary: () => new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}

function classificationOutputs(predictions: readonly Prediction[]): Output[] {
  const classes = predictions.filter((prediction) => prediction.kind === 'classification');
  if (classes.length === 0) return [];
  const shape = [classes.length];
  const indices = Int32Array.from(classes, ({ index }) => index);
  const confidences = Float32Array.from(classes, ({ confidence }) => confidence);
  return [
    tensorOutput('class_index', { type: 'INT32', shape, data: indices }),
    tensorOutput('confidence', { type: 'FP32', shape, data: confidences }),
    labelOutput(classes.map(({ label }) => label)),
  ];
}

function labelOutput(labels: readonly string[]): Output {
  return {
    name: 'label',
    datatype: 'BYTES',
    shape: [labels.length],
    json: () => [...labels],
    binary: () =>
      Buffer.concat(
        labels.flatMap((label) => {
          const text = Buffer.from(label);
          const length = Buffer.alloc(4);
          length.writeUInt32LE(text.length);
          return [length, text];
        }),
      ),
  };
}
