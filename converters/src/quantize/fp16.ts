import { int, tensor } from '../ir/attributes.ts';
import { DATA_TYPES } from '../ir/dtype.ts';
import {
  allGraphs,
  createNamer,
  indexGraph,
  type Namer,
  renameUses,
  subgraphsOf,
} from '../ir/edit.ts';
import {
  type Attribute,
  cloneModel,
  type Graph,
  isOp,
  type Model,
  makeNode,
  type Node,
  type ValueInfo,
} from '../ir/graph.ts';
import { float32Tensor } from '../ir/tensor.ts';
import { type Facts, inferFacts } from '../ops/facts.ts';
import { removeDeadCode } from '../passes/dead-code.ts';
import { chooseFloat32, type Float32Wishes } from './fp16-choice.ts';
import { isFloat32Input } from './fp16-rules.ts';
import { toHalfTensor } from './half-tensor.ts';
import type { Skipped } from './impossible.ts';

export interface Float16Options extends Float32Wishes {
  /** True to keep float32 inputs and outputs, with a cast behind and before them. Default true. */
  readonly keepIo?: boolean;
}

export interface Float16Model {
  readonly model: Model;
  readonly warnings: readonly string[];
  /** Nodes that stayed in float32, with the reason. */
  readonly skipped: readonly Skipped[];
  /** By value that a float32 operator makes, the name of it in float32. */
  readonly singles: ReadonlyMap<string, string>;
}

const HALF = DATA_TYPES.float16.code;
const SINGLE = DATA_TYPES.float32.code;

/**
 * Converts a float32 model to float16: constants, and with them everything that is computed, but
 * for nodes that `chooseFloat32` names, which get casts around them. A value keeps its name. The
 * model given is not changed.
 */
export function toFloat16(model: Model, options: Float16Options = {}): Float16Model {
  const copy = cloneModel(model);
  const conversion = new Conversion(copy, options);
  conversion.convert();
  removeDeadCode(copy);
  const { warnings, skipped, singles } = conversion;
  return { model: copy, warnings, skipped, singles };
}

class Conversion {
  readonly warnings: string[] = [];
  /** Of the values that float32 operators of the graph itself make, their names. */
  readonly singles = new Map<string, string>();
  readonly #graph: Graph;
  readonly #keepIo: boolean;
  readonly #namer: Namer;
  readonly #scopes: ReadonlyMap<Graph, Facts>;
  readonly #single: ReadonlyMap<Node, string>;
  /** Inputs and outputs of the model by the name of their float16 form. */
  readonly #originals = new Map<string, string>();
  /** The other way round, for outputs that a float32 operator makes. */
  readonly #madeSingle = new Map<string, string>();

  constructor(model: Model, options: Float16Options) {
    this.#graph = model.graph;
    this.#keepIo = options.keepIo ?? true;
    this.#namer = createNamer(model.graph);
    this.#scopes = inferFacts(model.graph, { declared: true });
    this.#single = chooseFloat32(model, this.#scopes, options);
  }

  get skipped(): Skipped[] {
    return [...this.#single].map(([{ name: node }, reason]) => ({ node, reason }));
  }

  convert(): void {
    const singles = new Map<string, string>();
    const before = this.#keepIo ? this.#castInputs(singles) : [];
    const after = this.#keepIo ? this.#castModelOutputs(singles) : [];
    this.#convertGraph(this.#graph, singles);
    this.#graph.nodes = [...before, ...this.#graph.nodes, ...after];
  }

  /** The model's float32 inputs keep their names; everything inside takes a float16 form. */
  #castInputs(singles: Map<string, string>): Node[] {
    const halves = new Map<string, string>();
    const casts = namesOfSingles(this.#graph.inputs).map((name) => {
      const half = this.#halfForm(name, halves);
      singles.set(half, name);
      return this.#cast(name, half, HALF);
    });
    renameUses(this.#graph.nodes, halves);
    return casts;
  }

  #castModelOutputs(singles: Map<string, string>): Node[] {
    const { producer } = indexGraph(this.#graph);
    const halves = new Map<string, string>();
    const casts = namesOfSingles(this.#graph.outputs).flatMap((name) => {
      const maker = producer.get(name);
      const constant = this.#graph.initializers.get(name);
      if (maker === undefined && constant === undefined) return [];
      const half = this.#halfForm(name, halves);
      if (constant !== undefined) this.#graph.initializers.set(half, constant);
      if (maker === undefined) return [];
      if (this.#single.has(maker)) {
        this.#madeSingle.set(name, half);
        singles.set(half, name);
        return [];
      }
      maker.outputs = maker.outputs.map((output) => (output === name ? half : output));
      return [this.#cast(half, name, SINGLE)];
    });
    renameUses(this.#graph.nodes, halves);
    return casts;
  }

  #halfForm(name: string, halves: Map<string, string>): string {
    const half = this.#namer.fresh(`${name}_fp16`);
    this.#originals.set(half, name);
    halves.set(name, half);
    return half;
  }

  /** `outer` says under which name the float32 form of a value of the graphs around is to be had. */
  #convertGraph(graph: Graph, outer: ReadonlyMap<string, string>): void {
    const singles = new Map(outer);
    this.#convertConstants(graph, singles);
    graph.nodes = this.#convertNodes(graph, singles);
    graph.valueInfo = new Map([...graph.valueInfo].map(([name, info]) => [name, halfInfo(info)]));
    if (graph !== this.#graph || !this.#keepIo) {
      graph.inputs = graph.inputs.map(halfInfo);
      graph.outputs = graph.outputs.map(halfInfo);
    }
    for (const inner of graph.nodes.flatMap(subgraphsOf)) this.#convertGraph(inner, singles);
  }

  /** True for a value that was float32 before the conversion. */
  #wasSingle(graph: Graph, name: string): boolean {
    const facts = this.#scopes.get(graph);
    return facts?.get(this.#originals.get(name) ?? name)?.dtype === 'float32';
  }

  /** Constants that only float32 operators take stay as they are; where others do too, they get a copy. */
  #convertConstants(graph: Graph, singles: Map<string, string>): void {
    const uses = this.#usesOfValues(graph);
    for (const [name, value] of [...graph.initializers]) {
      if (value.dtype !== 'float32') continue;
      const [forSingle, forHalf] = uses.get(name) ?? [false, true];
      if (forSingle && !forHalf) {
        singles.set(name, name);
        continue;
      }
      const { tensor, clamped } = toHalfTensor(value);
      graph.initializers.set(name, tensor);
      this.#warnClamped(name, clamped);
      if (!forSingle) continue;
      const copy = this.#namer.fresh(`${name}_fp32`);
      graph.initializers.set(copy, value);
      singles.set(name, copy);
    }
  }

  #warnClamped(name: string, count: number): void {
    if (count === 0) return;
    const numbers = count === 1 ? '1 number' : `${count} numbers`;
    this.warnings.push(`${numbers} in ${JSON.stringify(name)} beyond ±65504 became ±65504`);
  }

  /** For each value of a graph whether it is taken in float32, and whether in float16. */
  #usesOfValues(graph: Graph): Map<string, [single: boolean, half: boolean]> {
    const uses = new Map<string, [boolean, boolean]>();
    const add = (name: string, single: boolean) => {
      const [before, half] = uses.get(name) ?? [false, false];
      uses.set(name, [before || single, half || !single]);
    };
    for (const each of allGraphs(graph)) {
      const keepsIo = each === this.#graph && this.#keepIo;
      for (const output of each.outputs) add(output.name, keepsIo);
      for (const node of each.nodes) {
        for (const [i, name] of node.inputs.entries()) add(name, this.#wantsSingle(node, i));
      }
    }
    return uses;
  }

  #wantsSingle(node: Node, input: number): boolean {
    return this.#single.has(node) || isFloat32Input(node, input);
  }

  #convertNodes(graph: Graph, singles: Map<string, string>): Node[] {
    const casts = new Map<string, string>();
    return graph.nodes.flatMap((node) => {
      const before: Node[] = [];
      node.inputs = node.inputs.map((name, i) => {
        if (!this.#wantsSingle(node, i) || !this.#wasSingle(graph, name)) return name;
        const known = singles.get(name) ?? casts.get(name);
        if (known !== undefined) return known;
        const single = this.#namer.fresh(`${name}_fp32`);
        casts.set(name, single);
        before.push(this.#cast(name, single, SINGLE));
        return single;
      });
      if (!this.#single.has(node)) this.#convertAttributes(node);
      const after = this.#single.has(node) ? this.#castOutputs(graph, node, singles) : [];
      return [...before, node, ...after];
    });
  }

  /** What a float32 operator makes goes on under its old name in float16. */
  #castOutputs(graph: Graph, node: Node, singles: Map<string, string>): Node[] {
    const casts: Node[] = [];
    node.outputs = node.outputs.map((name) => {
      if (name === '' || !this.#wasSingle(graph, name)) return name;
      const output = this.#madeSingle.get(name);
      const single = output === undefined ? this.#namer.fresh(`${name}_fp32`) : name;
      singles.set(output ?? name, single);
      if (graph === this.#graph) this.singles.set(name, single);
      casts.push(this.#cast(single, output ?? name, HALF));
      return single;
    });
    return casts;
  }

  /** Types and constants that a node itself names. */
  #convertAttributes(node: Node): void {
    const to = node.attributes.get('to');
    if (isOp(node, 'Cast') && to?.kind === 'int' && to.value === BigInt(SINGLE)) {
      node.attributes.set('to', int(HALF));
    }
    if (!isOp(node, 'Constant', 'ConstantOfShape')) return;
    const value = node.attributes.get('value') ?? takeNumbers(node);
    if (value?.kind === 'tensor' && value.value.dtype === 'float32') {
      const { tensor, clamped } = toHalfTensor(value.value);
      node.attributes.set('value', { kind: 'tensor', value: tensor });
      this.#warnClamped(node.outputs[0]!, clamped);
    }
    if (value === undefined && isOp(node, 'ConstantOfShape')) {
      const zero = { dtype: 'float16', dims: [1], bytes: new Uint8Array(2) } as const;
      node.attributes.set('value', { kind: 'tensor', value: zero });
    }
  }

  #cast(from: string, to: string, type: number): Node {
    const name = this.#namer.fresh(`Cast_${to}`);
    return makeNode('Cast', name, [from], [to], [['to', int(type)]]);
  }
}

/** The tensor that a Constant's `value_float` or `value_floats` stands for, in its stead. */
function takeNumbers(node: Node): Attribute | undefined {
  const one = node.attributes.get('value_float');
  const many = node.attributes.get('value_floats');
  node.attributes.delete('value_float');
  node.attributes.delete('value_floats');
  if (one?.kind === 'float') return tensor(float32Tensor([], [one.value]));
  if (many?.kind === 'floats') return tensor(float32Tensor([many.value.length], many.value));
  return undefined;
}

function namesOfSingles(infos: readonly ValueInfo[]): string[] {
  return infos
    .filter(({ type }) => type?.kind === 'tensor' && type.dtype === 'float32')
    .map(({ name }) => name);
}

function halfInfo(info: ValueInfo): ValueInfo {
  if (info.type?.kind !== 'tensor' || info.type.dtype !== 'float32') return info;
  return { ...info, type: { ...info.type, dtype: 'float16' } };
}
