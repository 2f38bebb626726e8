import type { Draft } from '@flotilla/protocol';
import Long from 'long';
import type {
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
} from '../../formats/onnx/onnx.gen.ts';
import { decodeModel, encodeModel } from '../../formats/onnx/schema.ts';
import { OPERATORS } from '../../ops/operators.ts';
import type { Chance } from './chance.ts';

/** A change that keeps the file a model, of another meaning or of none. */
type Change = (model: ModelProto, graph: GraphProto, chance: Chance) => void;

const SIZES = [0, 1, -1, 2, 3, 7, 1000, 2 ** 31, 2 ** 40, 10 ** 12, Number.MAX_SAFE_INTEGER];
const NAMES = [
  'axis',
  'axes',
  'perm',
  'to',
  'pads',
  'strides',
  'kernel_shape',
  'group',
  'keepdims',
  'value',
];

const CHANGES: readonly Change[] = [
  (_, graph, chance) => {
    chance.pick(graph.node).opType = chance.pick(Object.keys(OPERATORS));
  },
  (_, graph, chance) => {
    const node = chance.pick(graph.node);
    if (node.input.length > 0) node.input[chance.below(node.input.length)] = anyName(graph, chance);
  },
  (_, graph, chance) => chance.pick(graph.node).input.push(anyName(graph, chance)),
  (_, graph, chance) => {
    const node = chance.pick(graph.node);
    if (node.output.length > 0)
      node.output[chance.below(node.output.length)] = anyName(graph, chance);
  },
  (_, graph, chance) => void graph.node.splice(chance.below(graph.node.length), 1),
  (_, graph, chance) => void graph.node.push(chance.pick(graph.node)),
  (_, graph) => void graph.node.reverse(),
  (_, graph, chance) => changeAttribute(chance.pick(graph.node), chance),
  (_, graph, chance) => changeAttribute(chance.pick(graph.node), chance),
  (_, graph, chance) => changeTensor(graph, chance),
  (_, graph, chance) => changeTensor(graph, chance),
  (_, graph, chance) => {
    const shape = chance.pick(graph.input)?.type?.tensorType?.shape;
    if (shape) shape.dim = shape.dim.map(() => ({ dimValue: anySize(chance), denotation: '' }));
  },
  (_, graph, chance) => {
    const tensor = chance.pick(graph.input)?.type?.tensorType;
    if (tensor) tensor.elemType = chance.below(30);
  },
  (model, _, chance) => {
    const opset = chance.pick(model.opsetImport);
    if (opset) opset.version = Long.fromNumber(chance.below(30));
  },
  (model, _, chance) => {
    model.irVersion = Long.fromNumber(chance.below(16));
  },
  (_, graph, chance) => {
    chance.pick(graph.node).domain = chance.pick([
      '',
      'ai.onnx.ml',
      'com.microsoft',
      'org.example',
    ]);
  },
  (_, graph) => {
    graph.output = [];
  },
];

/** One to three changes to a model that may be decoded. */
export function changeMeaning(file: Uint8Array, chance: Chance): Uint8Array {
  const model = decodeModel(file);
  for (let n = 1 + chance.below(3); n > 0; n--) {
    const { graph } = model;
    if (graph && graph.node.length > 0) chance.pick(CHANGES)(model, graph, chance);
  }
  return encodeModel(model as Draft<ModelProto>);
}

function anyName(graph: GraphProto, chance: Chance): string {
  const names = [
    ...graph.node.flatMap((node) => node.output),
    ...graph.initializer.map((tensor) => tensor.name),
    ...graph.input.map((input) => input.name),
    '',
    'nowhere',
  ];
  return chance.pick(names);
}

function anySize(chance: Chance): Long {
  return Long.fromNumber(chance.pick(SIZES));
}

function changeAttribute(node: NodeProto, chance: Chance): void {
  const known = node.attribute[chance.below(node.attribute.length)];
  if (known && chance.below(2) === 0) {
    known.i = anySize(chance);
    known.ints = known.ints.map(() => anySize(chance));
    known.f = chance.pick([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e30]);
    if (chance.below(4) === 0) known.name = chance.pick(NAMES);
    return;
  }
  const ints = Array.from({ length: chance.below(6) }, () => anySize(chance));
  const name = chance.pick(NAMES);
  const made: Draft<NodeProto['attribute'][number]> =
    chance.below(2) === 0
      ? { name, type: 7, ints }
      : { name, type: 2, i: anySize(chance), ints: [] };
  node.attribute.push(made as NodeProto['attribute'][number]);
}

function changeTensor(graph: GraphProto, chance: Chance): void {
  const tensors = [
    ...graph.initializer,
    ...graph.node.flatMap(({ attribute }) => attribute.flatMap(({ t }) => (t ? [t] : []))),
  ];
  if (tensors.length > 0) changeElements(chance.pick(tensors), chance);
}

/** Other dimensions, another type, or numbers of consequence where there are few. */
function changeElements(tensor: TensorProto, chance: Chance): void {
  const kind = chance.below(4);
  if (kind === 0) tensor.dims = tensor.dims.map(() => anySize(chance));
  else if (kind === 1) tensor.dataType = chance.below(30);
  else if (kind === 2) tensor.dims = [...tensor.dims].reverse();
  else if (
    tensor.rawData.length > 0 &&
    tensor.rawData.length <= 64 &&
    tensor.rawData.length % 8 === 0
  ) {
    const numbers = Array.from({ length: tensor.rawData.length / 8 }, () =>
      anySize(chance).toBigInt(),
    );
    tensor.rawData = new Uint8Array(BigInt64Array.from(numbers).buffer);
  }
}
