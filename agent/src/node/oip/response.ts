/** Inference responses of the Open Inference Protocol v2, JSON or with binary tensor data. */
import type { Inference, LoadedModel } from '../../core/index.ts';
import { bad } from './bad-request.ts';
import { topClasses } from './classes.ts';
import { type Output, predictionOutputs, tensorOutput, textOutput } from './outputs.ts';
import type { InferRequest, WantedOutput } from './request.ts';

export interface InferResponse {
  readonly contentType: string;
  /** For `Inference-Header-Content-Length`; undefined where all is JSON. */
  readonly headLength: number | undefined;
  readonly body: Uint8Array;
}

/** What classes are called, by the bundle that answered. */
type Labels = Pick<LoadedModel['bundle'], 'spec' | 'labels'>;

/**
 * Writes the outputs of a run, and what its predictions say (`class_index`, `label`, `confidence`…)
 * where the model has no outputs of these names.
 *
 * @throws FlotillaError `infer.bad-request` where an output is wanted that is not there
 */
export function writeInferResponse(
  slot: string,
  request: InferRequest,
  inference: Inference,
  labels: Labels,
): InferResponse {
  const outputs = allOutputs(inference);
  const { binary: all } = request;
  const wanted: readonly WantedOutput[] =
    request.outputs ??
    [...outputs.keys()].map((name) => ({ name, binary: all, classes: undefined }));
  const parts: Uint8Array[] = [];
  const heads = wanted.map(({ name, binary, classes }) => {
    const whole = outputs.get(name);
    if (whole === undefined) {
      throw bad(`output ${name}`, `the model has ${[...outputs.keys()].join(', ')}`);
    }
    const output = classes === undefined ? whole : classOutput(whole, classes, labels);
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
    ...predictionOutputs(predictions),
  ]) {
    if (!found.has(output.name)) found.set(output.name, output);
  }
  return found;
}

function classOutput({ name, tensor }: Output, most: number, { spec, labels }: Labels): Output {
  if (tensor === undefined) throw bad(`output ${name}`, 'it has texts, and no classes');
  const named = spec.outputs.classification?.tensor === name ? labels : undefined;
  const { texts, shape } = topClasses(tensor, most, named);
  return textOutput(name, texts, shape);
}
