import type { Tensors } from '@flotilla/model';
import { int, ints, tensorAttribute } from '../../ir/attributes.ts';
import { createNamer, type Namer } from '../../ir/edit.ts';
import {
  cloneModel,
  type Graph,
  isOp,
  type Model,
  makeNode,
  opsetOf,
  tensorInfo,
} from '../../ir/graph.ts';
import { int64Tensor, toNumbers } from '../../ir/tensor.ts';
import { inferFacts } from '../../ops/facts.ts';

/** What training saw of the channels that one BatchNormalization takes, and where a run tells it. */
export interface Norm {
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
  /** Elements that it takes in one run, as far as sizes are known. */
  readonly elements: number;
  /** Outputs of the tapped model with the mean and the mean square of each channel. */
  readonly meanOutput: string;
  readonly squareOutput: string;
}

/** Mean and mean square of each channel of each norm in one run, one norm after another. */
export interface Moments {
  readonly means: Float32Array;
  readonly squares: Float32Array;
}

/** From this opset on the axes of a reduction are an input. */
const AXES_ARE_INPUT = 18;

/**
 * A copy of the model that gives, instead of its outputs, the moments of what its
 * BatchNormalizations take. Those whose statistics or rank are not known are passed over.
 */
export function tapNorms(model: Model): { readonly model: Model; readonly norms: readonly Norm[] } {
  const facts = inferFacts(model.graph, { declared: true }).get(model.graph);
  const copy = cloneModel(model);
  const { graph } = copy;
  const namer = createNamer(graph);
  const norms: Norm[] = [];
  graph.outputs = [];
  for (const node of [...graph.nodes]) {
    const [input = '', , , mean = '', variance = ''] = node.inputs;
    const shape = facts?.get(input)?.shape;
    const means = isOp(node, 'BatchNormalization') ? constantOf(mean, graph) : undefined;
    const variances = constantOf(variance, graph);
    if (shape === undefined || shape.length < 2 || means === undefined || variances === undefined)
      continue;
    const square = namer.fresh(`${input}_square`);
    graph.nodes.push(makeNode('Mul', namer.fresh(`${square}_tap`), [input, input], [square]));
    norms.push({
      mean: means,
      deviation: variances.map((value) => Math.sqrt(Math.max(value, 0))),
      elements: shape.reduce((all: number, size) => all * (typeof size === 'number' ? size : 1), 1),
      meanOutput: reduce(copy, namer, input, shape.length),
      squareOutput: reduce(copy, namer, square, shape.length),
    });
  }
  return { model: copy, norms };
}

/** Adds the mean over all axes but that of the channels as an output. */
function reduce(model: Model, namer: Namer, value: string, rank: number): string {
  const { graph } = model;
  const axes = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => axis !== 1);
  const output = namer.fresh(`${value}_mean`);
  const node = makeNode('ReduceMean', namer.fresh(`${output}_tap`), [value], [output]);
  node.attributes.set('keepdims', int(0));
  if (opsetOf(model) >= AXES_ARE_INPUT) {
    const name = namer.fresh(`${output}_axes`);
    graph.initializers.set(name, int64Tensor([axes.length], axes));
    node.inputs.push(name);
  } else {
    node.attributes.set('axes', ints(axes));
  }
  graph.nodes.push(node);
  graph.outputs.push(tensorInfo(output, 'float32'));
  return output;
}

function constantOf(name: string, graph: Graph): Float64Array | undefined {
  const maker = graph.nodes.find((node) => isOp(node, 'Constant') && node.outputs[0] === name);
  const tensor = graph.initializers.get(name) ?? (maker && tensorAttribute(maker, 'value'));
  return tensor && toNumbers(tensor);
}

export function momentsIn(outputs: Tensors, norms: readonly Norm[]): Moments {
  const join = (names: readonly string[]): Float32Array =>
    Float32Array.from(names.flatMap((name) => [...(outputs[name]?.data ?? [])].map(Number)));
  return {
    means: join(norms.map(({ meanOutput }) => meanOutput)),
    squares: join(norms.map(({ squareOutput }) => squareOutput)),
  };
}
