import { stat } from 'node:fs/promises';
import { readOnnxFile } from './formats/onnx/file.ts';
import { allGraphs } from './ir/edit.ts';
import { type Model, opsetOf, type ValueInfo } from './ir/graph.ts';
import { elementCount } from './ir/tensor.ts';

/** What a model is, without running it. */
export interface Inspection {
  readonly format: 'onnx';
  /** Version of ai.onnx. */
  readonly opset: number;
  readonly inputs: readonly InspectedValue[];
  readonly outputs: readonly InspectedValue[];
  /** Nodes by operator, nested graphs included; other domains than ai.onnx as `domain.Op`. */
  readonly ops: Readonly<Record<string, number>>;
  /** Elements of all constants. */
  readonly parameters: number;
  /** Size of the model file. */
  readonly bytes: number;
}

export interface InspectedValue {
  readonly name: string;
  /** `float32`, `uint8`…; `unknown` for what is no tensor. */
  readonly type: string;
  /** -1 is a size that nothing is said of, a name one that is known at run time only. */
  readonly shape: readonly (number | string)[];
}

/**
 * Reads a model file and says what is in it.
 *
 * @throws FlotillaError `model.not-found`, `model.not-onnx`
 */
export async function inspect(file: string): Promise<Inspection> {
  const model = await readOnnxFile(file);
  const { size } = await stat(file);
  return inspectModel(model, size);
}

/** The same for a model in memory, whose file has `bytes` bytes. */
export function inspectModel(model: Model, bytes: number): Inspection {
  const graphs = allGraphs(model.graph);
  const constants = graphs.flatMap((graph) => [...graph.initializers.values()]);
  return {
    format: 'onnx',
    opset: opsetOf(model),
    inputs: model.graph.inputs.map(inspectValue),
    outputs: model.graph.outputs.map(inspectValue),
    ops: countOps(model),
    parameters: constants.reduce((sum, tensor) => sum + elementCount(tensor), 0),
    bytes,
  };
}

function inspectValue({ name, type }: ValueInfo): InspectedValue {
  if (type?.kind !== 'tensor') return { name, type: 'unknown', shape: [] };
  return { name, type: type.dtype, shape: (type.shape ?? []).map((dim) => dim ?? -1) };
}

function countOps(model: Model): Record<string, number> {
  const counts = new Map<string, number>();
  for (const node of allGraphs(model.graph).flatMap((graph) => graph.nodes)) {
    const op = node.domain === '' ? node.op : `${node.domain}.${node.op}`;
    counts.set(op, (counts.get(op) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
