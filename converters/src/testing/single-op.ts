import {
  type Attribute,
  type Graph,
  type Model,
  makeGraph,
  makeModel,
  makeNode,
  tensorInfo,
} from '../ir/graph.ts';
import type { TensorValue } from '../ir/tensor.ts';

export interface SingleOp {
  readonly op: string;
  readonly inputs: readonly TensorValue[];
  readonly attributes?: Record<string, Attribute>;
  readonly opset?: number;
  readonly outputs?: number;
}

/**
 * A model of one node whose inputs are the model's, so that no optimizer folds it away. Outputs are
 * called `out`, `out_1`…, inputs `in_0`, `in_1`….
 */
export function singleOpModel({ op, inputs, attributes = {}, opset = 13, outputs = 1 }: SingleOp) {
  const infos = inputs.map((tensor, i) => tensorInfo(`in_${i}`, tensor.dtype, tensor.dims));
  const outputNames = Array.from({ length: outputs }, (_, i) => (i === 0 ? 'out' : `out_${i}`));
  const graph = makeGraph('single', infos, outputNames.map(untyped));
  const names = infos.map((info) => info.name);
  graph.nodes.push(makeNode(op, op, names, outputNames, Object.entries(attributes)));
  return makeModel(graph, opset);
}

/** Like `singleOpModel`, but the inputs from the second on are constants. */
export function constantInputsModel(single: SingleOp): Model {
  const model = singleOpModel(single);
  for (const [i, tensor] of single.inputs.entries()) {
    if (i > 0) makeConstant(model.graph, `in_${i}`, tensor);
  }
  return model;
}

function makeConstant(graph: Graph, name: string, tensor: TensorValue): void {
  graph.inputs = graph.inputs.filter((input) => input.name !== name);
  graph.initializers.set(name, tensor);
}

function untyped(name: string) {
  return { ...tensorInfo(name, 'float32'), type: undefined };
}
