import { int, ints, intsAttribute } from '../../ir/attributes.ts';
import { createNamer, type Namer } from '../../ir/edit.ts';
import {
  type Attribute,
  cloneModel,
  type Graph,
  isOp,
  type Model,
  makeNode,
  type Node,
  tensorInfo,
} from '../../ir/graph.ts';
import { float32Tensor, fromNumbers, int64Tensor, type TensorValue } from '../../ir/tensor.ts';
import { inferFacts } from '../../ops/facts.ts';
import type { QuantizationParams } from '../params.ts';
import { productShape } from './products.ts';

/** A product whose input is observed. */
export interface ObservedProduct {
  readonly node: Node;
  readonly weight: TensorValue;
  /** How its input is quantized. */
  readonly input: QuantizationParams;
  /** False where only the means of the input are wanted. */
  readonly squares: boolean;
}

/** Names of the outputs that tell the moments of one product's input x, and of x quantized, y. */
export interface MomentTaps {
  /** The shape [groups, columns, positions]. */
  readonly shape: string;
  /** Means over the positions, [groups, columns, 1]. */
  readonly mean: string;
  readonly quantizedMean: string;
  /** Sums of y·yᵀ and x·yᵀ over the positions, [groups, columns, columns]. */
  readonly square: string | undefined;
  readonly cross: string | undefined;
}

/** Positions of one sample that are looked at: neighbors tell nearly the same. */
const MOST_POSITIONS = 1024;

/**
 * A copy of the float model that tells the moments of what products take. ONNX Runtime multiplies,
 * so that a matrix of columns × columns leaves it for each sample, not the values of all positions.
 */
export function tapMoments(
  model: Model,
  products: readonly ObservedProduct[],
): { readonly model: Model; readonly taps: readonly MomentTaps[] } {
  const copy = cloneModel(model);
  const facts = inferFacts(model.graph, { declared: true }).get(model.graph);
  const builder = new TapBuilder(copy.graph);
  const taps = products.map((product) => {
    const shape = facts?.get(product.node.outputs[0] ?? '')?.shape;
    return builder.tap(product, strideFactor(shape));
  });
  return { model: copy, taps };
}

/** How many times further apart the looked-at positions of a convolution lie, in each direction. */
function strideFactor(shape: readonly unknown[] = []): number {
  const space = shape.slice(2);
  const positions = space.reduce<number>((n, dim) => n * (typeof dim === 'number' ? dim : 1), 1);
  return Math.max(1, Math.ceil((positions / MOST_POSITIONS) ** (1 / Math.max(1, space.length))));
}

class TapBuilder {
  readonly #graph: Graph;
  readonly #namer: Namer;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#namer = createNamer(graph);
  }

  tap(product: ObservedProduct, stride: number): MomentTaps {
    const [value = ''] = product.node.inputs;
    const x = this.#columns(product, value, stride);
    const y = this.#columns(product, this.#quantized(value, product.input), stride);
    const means = {
      shape: this.#output(this.#node('Shape', [y]), 'int64'),
      mean: this.#output(this.#node('GlobalAveragePool', [x])),
      quantizedMean: this.#output(this.#node('GlobalAveragePool', [y])),
    };
    if (!product.squares) return { ...means, square: undefined, cross: undefined };
    const across = this.#node('Transpose', [y], { perm: ints([0, 2, 1]) });
    const square = this.#output(this.#node('MatMul', [y, across]));
    const cross = this.#output(this.#node('MatMul', [x, across]));
    return { ...means, square, cross };
  }

  #quantized(value: string, { scale, zeroPoint, type }: QuantizationParams): string {
    const params = [
      this.#constant(float32Tensor([], [scale])),
      this.#constant(fromNumbers(type, [], [zeroPoint])),
    ];
    const integers = this.#node('QuantizeLinear', [value, ...params]);
    return this.#node('DequantizeLinear', [integers, ...params]);
  }

  /** The input as [groups, columns, positions]: what each position of the output sums over. */
  #columns({ node, weight }: ObservedProduct, value: string, stride: number): string {
    const { groups, columns } = productShape(node, weight);
    if (!isOp(node, 'Conv')) {
      const shape = this.#constant(int64Tensor([3], [groups, -1, columns]));
      const rows = this.#node('Reshape', [value, shape]);
      return this.#node('Transpose', [rows], { perm: ints([0, 2, 1]) });
    }
    const shape = this.#constant(int64Tensor([3], [groups, columns, -1]));
    const space = weight.dims.slice(2).map((_, i) => i + 2);
    const gathered = this.#gathered(node, weight, value, stride);
    const channels = this.#node('Transpose', [gathered], { perm: ints([1, 0, ...space]) });
    return this.#node('Reshape', [channels, shape]);
  }

  /** A convolution that copies each kernel position of each channel into a channel of its own. */
  #gathered(node: Node, weight: TensorValue, value: string, stride: number): string {
    const [, perGroup = 1, ...kernel] = weight.dims;
    const channels = perGroup * productShape(node, weight).groups;
    const size = kernel.reduce((all, dim) => all * dim, 1);
    const ones = new Float32Array(channels * size * size);
    for (let i = 0; i < channels * size; i++) ones[i * size + (i % size)] = 1;
    const pick = this.#constant(float32Tensor([channels * size, 1, ...kernel], ones));
    const strides = intsAttribute(node, 'strides', new Array<number>(kernel.length).fill(1));
    return this.#node('Conv', [value, pick], {
      ...Object.fromEntries(node.attributes),
      group: int(channels),
      strides: ints(strides.map((step) => step * stride)),
    });
  }

  #output(name: string, dtype: 'float32' | 'int64' = 'float32'): string {
    this.#graph.outputs.push(tensorInfo(name, dtype));
    return name;
  }

  #constant(tensor: TensorValue): string {
    const name = this.#namer.fresh('moments_constant');
    this.#graph.initializers.set(name, tensor);
    return name;
  }

  #node(op: string, inputs: readonly string[], attributes: Record<string, Attribute> = {}): string {
    const output = this.#namer.fresh(`moments_${op}`);
    const name = this.#namer.fresh(`${output}_node`);
    this.#graph.nodes.push(makeNode(op, name, inputs, [output], Object.entries(attributes)));
    return output;
  }
}
