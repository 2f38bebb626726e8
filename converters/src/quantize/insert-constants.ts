import type { QdqForm } from '@flotilla/targets';
import { int } from '../ir/attributes.ts';
import type { Namer } from '../ir/edit.ts';
import { type Graph, isOp, makeNode, type Node } from '../ir/graph.ts';
import { float32Tensor, fromNumbers, reshaped, type TensorValue, toFloats } from '../ir/tensor.ts';
import type { BiasSlot } from './bias-slot.ts';
import { ruleOf } from './op-rules.ts';
import { activationParams, type QuantizationParams, quantizeValue } from './params.ts';
import type { QdqPlan } from './plan.ts';
import type { Tuned } from './tune/tune.ts';
import { biasOfEach, channelAxis, quantizeBias, quantizeWeights } from './weights.ts';

/** One insertion under way. */
export interface Edit {
  readonly graph: Graph;
  readonly plan: QdqPlan;
  readonly form: QdqForm;
  readonly tuned: Tuned;
  readonly namer: Namer;
  readonly added: Node[];
  readonly removed: Set<Node>;
  /** Dequantized name of each constant operand, by its name. */
  readonly constants: Map<string, string>;
}

/** Quantizes the weights and bias of a product, or the constant operands of other arithmetic. */
export function quantizeConstants(edit: Edit, node: Node): void {
  const rule = ruleOf(node);
  const activation = edit.plan.values.get(node.inputs[0] ?? '');
  if (rule?.kind === 'weighted' && activation !== undefined) {
    quantizeProduct(edit, node, activation);
  }
  if (rule?.kind !== 'computes') return;
  const operands = rule.activations === 'all' ? node.inputs.keys() : rule.activations;
  for (const index of operands) {
    const name = node.inputs[index] ?? '';
    const constant = edit.graph.initializers.get(name);
    if (constant !== undefined) node.inputs[index] = quantizeOperand(edit, name, constant);
  }
}

function quantizeProduct(edit: Edit, node: Node, activation: QuantizationParams): void {
  const { graph, form } = edit;
  const [, weightName = ''] = node.inputs;
  const weight = graph.initializers.get(weightName);
  const slot = edit.plan.biases.get(node);
  const biasName = slot?.node.inputs[slot.input] ?? '';
  if (weight === undefined) return;
  const channels = channelAxis(node, weight);
  const tuned = edit.tuned.get(node.name);
  const own = graph.initializers.get(biasName);
  const values = tuned?.bias ?? (own && biasOfEach(own, weight.dims[channels ?? 0] ?? 1));
  const bias = values && { values, activationScale: activation.scale };
  const inInt32 = form.quantizeBias ? bias : undefined;
  const weights = tuned?.weights ?? quantizeWeights(weight, channels, form, inInt32);
  const { scales, axis } = weights;
  const zeroPoint = fromNumbers(
    'int8',
    axis === undefined ? [] : [scales.length],
    [...scales].fill(0),
  );
  node.inputs[1] = addDequantized(edit, weightName, weights.values, scales, axis, zeroPoint);
  if (bias === undefined || slot === undefined) return;
  const base = biasName === '' ? `${node.name}_bias` : biasName;
  const dims = biasDims(slot, own, bias.values.length);
  if (form.quantizeBias) {
    const int32 = quantizeBias(bias.values, activation.scale, scales);
    const integers = reshaped(int32.values, dims);
    const last = dims.length - 1;
    slot.node.inputs[slot.input] = addDequantized(edit, base, integers, int32.scales, last);
  } else if (tuned?.bias !== undefined) {
    const name = edit.namer.fresh(`${base}_corrected`);
    slot.node.inputs[slot.input] = name;
    graph.initializers.set(name, float32Tensor(dims, bias.values));
  }
}

/** An Add keeps the rank of its operand: the rank of the sum may come of it. */
function biasDims({ node }: BiasSlot, own: TensorValue | undefined, channels: number) {
  return isOp(node, 'Add') && own !== undefined ? own.dims : [channels];
}

/** A constant operand of Add, Mul, Concat: quantized as activations are, since kernels want one type. */
function quantizeOperand(edit: Edit, name: string, tensor: TensorValue): string {
  const known = edit.constants.get(name);
  if (known !== undefined) return known;
  const data = toFloats(tensor);
  const { activation, symmetricActivations } = edit.form;
  const params = activationParams(extremes(data), activation, symmetricActivations);
  const quantized = Float64Array.from(data, (value) => quantizeValue(value, params));
  const values = fromNumbers(params.type, tensor.dims, quantized);
  const zeroPoint = fromNumbers(params.type, [], [params.zeroPoint]);
  const scales = Float32Array.of(params.scale);
  const result = addDequantized(edit, name, values, scales, undefined, zeroPoint);
  edit.constants.set(name, result);
  return result;
}

function extremes(data: Float32Array): { min: number; max: number } {
  let [min, max] = [0, 0];
  for (const value of data) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min, max };
}

/** Adds a constant in integers with its DequantizeLinear, and returns the name of the result. */
function addDequantized(
  { graph, namer, added }: Edit,
  base: string,
  values: TensorValue,
  scales: Float32Array,
  axis: number | undefined,
  zeroPoint?: TensorValue,
): string {
  const add = (suffix: string, tensor: TensorValue): string => {
    const name = namer.fresh(`${base}_${suffix}`);
    graph.initializers.set(name, tensor);
    return name;
  };
  const inputs = [
    add('quantized', values),
    add('scale', float32Tensor(axis === undefined ? [] : [scales.length], scales)),
  ];
  if (zeroPoint !== undefined) inputs.push(add('zero_point', zeroPoint));
  const result = namer.fresh(`${base}_dequantized`);
  const attributes = axis === undefined ? [] : [['axis', int(axis)] as const];
  const name = namer.fresh(`${result}_DequantizeLinear`);
  added.push(makeNode('DequantizeLinear', name, inputs, [result], attributes));
  return result;
}
