import { floatAttribute, floatsAttribute } from '../ir/attributes.ts';
import { byteSize, type DataType } from '../ir/dtype.ts';
import { createNamer, type Namer, removeNodes, subgraphsOf } from '../ir/edit.ts';
import { type Dim, type Graph, isOp, type Node } from '../ir/graph.ts';
import { byteLength } from '../ir/stored.ts';
import {
  elementCount,
  float32Tensor,
  fromNumbers,
  int64Tensor,
  isNumeric,
  type TensorValue,
} from '../ir/tensor.ts';
import { canEvaluate, evaluate } from '../ops/evaluate/index.ts';
import { type Facts, inferFacts, type ValueFacts } from '../ops/facts.ts';
import { settleReshape } from './constant-folding-reshape.ts';
import { foldByRuntime } from './constant-folding-runtime.ts';
import { mayHold, NOTHING_KNOWN, roomIn, visibleConstants } from './constant-folding-scope.ts';
import type { Pass } from './pass.ts';

/** The oldest definitions that the evaluators follow. */
const EVALUATED_OPSET = 13;

/**
 * Turns Constant nodes into initializers and computes what depends on constants alone, or on sizes
 * that do not change from run to run. What cannot be computed exactly here is left to ONNX Runtime.
 */
export const constantFolding: Pass = {
  name: 'constant-folding',
  requires: (model) =>
    (model.opsets.get('') ?? EVALUATED_OPSET) >= EVALUATED_OPSET
      ? undefined
      : `opset ${EVALUATED_OPSET} or above`,
  async run(model, { bytesBefore }) {
    const folding = new Folding(model.graph);
    const declined = new Set<string>();
    const { did } = folding;
    for (let before = -1; before !== did.length; ) {
      before = did.length;
      folding.fold(roomIn(model.graph, bytesBefore));
      await foldByRuntime(model, roomIn(model.graph, bytesBefore), did, declined);
    }
    return { changed: did.length, did, declined: [...declined] };
  },
};

/** What is computed here of one model. */
class Folding {
  readonly did: string[] = [];
  readonly #root: Graph;
  readonly #namer: Namer;
  /** Bytes that folded constants may still take together. */
  #room = 0;

  constructor(root: Graph) {
    this.#root = root;
    this.#namer = createNamer(root);
  }

  /** Folds until nothing more is known, or results have taken the room. */
  fold(room: number): void {
    this.#room = room;
    for (let before = -1; before !== this.did.length; ) {
      before = this.did.length;
      this.#foldGraph(this.#root, inferFacts(this.#root, { declared: false }), new Map());
    }
  }

  #foldGraph(
    graph: Graph,
    scopes: ReadonlyMap<Graph, Facts>,
    outer: ReadonlyMap<string, TensorValue>,
  ): void {
    const constants = visibleConstants(graph, outer);
    const outputs = new Set(graph.outputs.map((output) => output.name));
    const facts = scopes.get(graph) ?? NOTHING_KNOWN;
    const folded = new Set<Node>();
    for (const node of graph.nodes) {
      for (const subgraph of subgraphsOf(node)) this.#foldGraph(subgraph, scopes, constants);
      if (settleReshape(node, graph, facts, this.#namer)) {
        this.did.push(`${node.op} ${node.name}: fixed shape`);
      }
      const [output] = node.outputs;
      if (!output || node.outputs.length !== 1 || outputs.has(output)) continue;
      const value = constantValue(node, constants, facts);
      if (value === undefined) continue;
      const made = isOp(node, 'Constant') ? 0 : byteLength(value);
      if (made > Math.max(0, this.#room)) continue;
      this.#room -= made;
      constants.set(output, value);
      graph.initializers.set(output, value);
      graph.valueInfo.delete(output);
      folded.add(node);
      this.did.push(`${node.op} ${node.name}`);
    }
    removeNodes(graph, folded);
  }
}

function constantValue(
  node: Node,
  constants: ReadonlyMap<string, TensorValue>,
  facts: Facts,
): TensorValue | undefined {
  if (isOp(node, 'Constant')) return valueOfConstant(node);
  const expected = facts.get(node.outputs[0]!);
  const listed = expected && valueOfElements(expected);
  if (listed !== undefined) return listed;
  if (!canEvaluate(node)) return undefined;
  const inputs = node.inputs.map((name) => constants.get(name));
  const known = inputs.every((input, i) => input !== undefined || node.inputs[i] === '');
  const bytes = [...new Set(inputs)].reduce((sum, each) => sum + (each ? byteLength(each) : 0), 0);
  if (!known || (expected && !mayHold(sizeOf(expected), bytes))) return undefined;
  const value = evaluate(node, inputs);
  return value && mayHold(byteLength(value), bytes) ? value : undefined;
}

/** Bytes of a value, 0 where they are not known. */
function sizeOf({ dtype, shape }: ValueFacts): number {
  const dims = shape?.filter((dim) => typeof dim === 'number');
  if (!dtype || !dims || dims.length !== shape?.length) return 0;
  return byteSize(dtype, elementCount({ dims }));
}

/** A short list whose elements are all known, which holds them exactly. */
function valueOfElements({ dtype, shape, elements }: ValueFacts): TensorValue | undefined {
  if (!dtype || !shape || !elements || !isNumeric(dtype)) return undefined;
  const numbers = elements.filter((element): element is number => isExact(element, dtype));
  const dims = shape.length === 0 ? [] : [numbers.length];
  if (numbers.length !== elements.length || elementCount({ dims }) !== numbers.length) {
    return undefined;
  }
  return fromNumbers(dtype, dims, numbers);
}

/** Integers beyond 2^53 are only near what they stand for; a fraction or NaN is none. */
function isExact(element: Dim, dtype: DataType): boolean {
  if (typeof element !== 'number') return false;
  return Number.isInteger(element) ? Number.isSafeInteger(element) : /^b?float/.test(dtype);
}

/** The forms of Constant that are numbers; strings and sparse tensors stay nodes. */
function valueOfConstant(node: Node): TensorValue | undefined {
  const tensor = node.attributes.get('value');
  if (tensor?.kind === 'tensor') return tensor.value;
  const one = floatAttribute(node, 'value_float', undefined);
  if (one !== undefined) return float32Tensor([], [one]);
  const list = floatsAttribute(node, 'value_floats', undefined);
  if (list !== undefined) return float32Tensor([list.length], list);
  const int = node.attributes.get('value_int');
  if (int?.kind === 'int') return int64Tensor([], [int.value]);
  const ints = node.attributes.get('value_ints');
  return ints?.kind === 'ints' ? int64Tensor([ints.value.length], ints.value) : undefined;
}
