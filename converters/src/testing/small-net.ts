import type { Tensor, Tensors } from '@flotilla/model';
import { float, int, ints } from '../ir/attributes.ts';
import {
  type Attribute,
  type Model,
  makeGraph,
  makeModel,
  makeNode,
  tensorInfo,
} from '../ir/graph.ts';
import { float32Tensor, int64Tensor } from '../ir/tensor.ts';
import { randomNumbers } from '../random.ts';

export { randomNumbers };

/** Builds a graph node by node, with random weights. */
export class NetBuilder {
  readonly model: Model;
  readonly #random: () => number;
  #count = 0;

  constructor(seed: number, inputShape: readonly number[], opset = 13) {
    this.#random = randomNumbers(seed);
    const graph = makeGraph('net', [tensorInfo('input', 'float32', inputShape)], []);
    this.model = makeModel(graph, opset);
  }

  /** A random constant of variance 1 / fanIn · 2, as He initialization has it. */
  weights(dims: readonly number[], fanIn: number): string {
    const count = dims.reduce((a, b) => a * b, 1);
    const gain = Math.sqrt(6 / fanIn);
    const values = Array.from({ length: count }, () => this.#random() * gain);
    return this.constant(dims, values);
  }

  constant(dims: readonly number[], values: readonly number[]): string {
    const name = `constant_${this.#count++}`;
    this.model.graph.initializers.set(name, float32Tensor(dims, values));
    return name;
  }

  /** A constant of int64: a shape, axes. */
  integers(...values: readonly number[]): string {
    const name = `constant_${this.#count++}`;
    this.model.graph.initializers.set(name, int64Tensor([values.length], values));
    return name;
  }

  node(op: string, inputs: readonly string[], attributes: Record<string, Attribute> = {}): string {
    const name = `${op.toLowerCase()}_${this.#count++}`;
    this.model.graph.nodes.push(
      makeNode(op, `node_${name}`, inputs, [name], Object.entries(attributes)),
    );
    return name;
  }

  conv(input: string, from: number, to: number, kernel: number, group = 1): string {
    const fanIn = (from / group) * kernel * kernel;
    const weight = this.weights([to, from / group, kernel, kernel], fanIn);
    const bias = this.weights([to], 60);
    const pad = (kernel - 1) / 2;
    return this.node('Conv', [input, weight, bias], {
      kernel_shape: ints([kernel, kernel]),
      pads: ints([pad, pad, pad, pad]),
      group: int(group),
    });
  }

  relu(input: string): string {
    return this.node('Relu', [input]);
  }

  relu6(input: string): string {
    return this.node('Clip', [input, this.constant([], [0]), this.constant([], [6])]);
  }

  gemm(input: string, from: number, to: number): string {
    return this.node('Gemm', [input, this.weights([to, from], from), this.weights([to], 60)], {
      transB: int(1),
      alpha: float(1),
    });
  }

  reshape(input: string, shape: readonly number[]): string {
    const name = `shape_${this.#count++}`;
    this.model.graph.initializers.set(name, int64Tensor([shape.length], shape));
    return this.node('Reshape', [input, name]);
  }

  output(name: string): Model {
    this.model.graph.outputs.push(tensorInfo(name, 'float32'));
    return this.model;
  }
}

/** A small classifier with the shapes that quantization must get right: residual Add, branches, depthwise, pools. */
export function smallNet(seed: number): Model {
  const net = new NetBuilder(seed, [1, 3, 16, 16]);
  const stem = net.relu(net.conv('input', 3, 16, 3));
  const depthwise = net.relu6(net.conv(stem, 16, 16, 3, 16));
  const residual = net.relu(net.node('Add', [net.conv(depthwise, 16, 16, 1), stem]));
  const left = net.relu(net.conv(residual, 16, 8, 1));
  const right = net.relu(net.conv(residual, 16, 8, 3));
  const both = net.node('Concat', [left, right], { axis: int(1) });
  const pooled = net.node('MaxPool', [both], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) });
  const deep = net.relu(net.conv(pooled, 16, 32, 3));
  const mean = net.node('GlobalAveragePool', [deep]);
  const logits = net.gemm(net.node('Flatten', [mean]), 32, 10);
  return net.output(net.node('Softmax', [logits]));
}

/** Seeded inputs for a network of one float input. */
export function randomInput(shape: readonly number[], seed: number): Tensors {
  const random = randomNumbers(seed);
  const count = shape.reduce((a, b) => a * b, 1);
  const input: Tensor = {
    type: 'FP32',
    shape,
    data: Float32Array.from({ length: count }, () => random()),
  };
  return { input };
}
