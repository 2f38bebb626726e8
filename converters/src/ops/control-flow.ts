import { intAttribute, intsAttribute } from '../ir/attributes.ts';
import type { Dim, Graph, Node } from '../ir/graph.ts';
import type { Facts } from './facts.ts';
import { elementsOf, front } from './shapes/rule.ts';
import type { ValueFacts } from './value-facts.ts';

/** Infers a body once, with these facts of its inputs (in order), and says what its values are. */
export type InferBody = (body: Graph, inputs: readonly ValueFacts[]) => Facts;

/** Bodies within bodies are gone over again for each way of the body around: deeper ones get no second look. */
const MAX_REVISED_DEPTH = 2;

interface Flow {
  readonly node: Node;
  readonly inputs: readonly ValueFacts[];
  readonly infer: InferBody;
  /** How many bodies lie around this one. */
  readonly depth: number;
}

/** Facts of the outputs of If, Loop and Scan; undefined for other operators. */
export function inferControlFlow(flow: Flow): readonly ValueFacts[] | undefined {
  if (flow.node.domain !== '') return undefined;
  if (flow.node.op === 'If') return inferIf(flow);
  if (flow.node.op === 'Loop') return inferLoop(flow);
  return flow.node.op === 'Scan' ? inferScan(flow) : undefined;
}

function bodyOf(node: Node, name: string): Graph | undefined {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'graph' ? attribute.value : undefined;
}

function inferIf({ node, inputs, infer }: Flow): readonly ValueFacts[] {
  const branches = ['then_branch', 'else_branch'].map((name) =>
    outputsOf(bodyOf(node, name), infer),
  );
  const [yes = [], no = []] = branches;
  const taken = elementsOf({ node, inputs }, 0)?.[0];
  if (typeof taken === 'number') return taken === 0 ? no : yes;
  return node.outputs.map((_, i) => merge(yes[i] ?? {}, no[i] ?? {}));
}

function outputsOf(
  body: Graph | undefined,
  infer: InferBody,
  inputs: readonly ValueFacts[] = [],
): ValueFacts[] {
  if (body === undefined) return [];
  const facts = infer(body, inputs);
  return body.outputs.map(({ name }) => facts.get(name) ?? {});
}

/** What holds of a value that may be either of two. */
export function merge(a: ValueFacts, b: ValueFacts): ValueFacts {
  const types = new Set([a.dtype, b.dtype].filter((type) => type !== undefined));
  const dtype = types.size === 1 ? [...types][0] : undefined;
  const fits = a.shape && b.shape && a.shape.length === b.shape.length;
  const shape = fits ? a.shape.map((dim, axis) => same(dim, b.shape![axis]!)) : undefined;
  const listed = a.elements && b.elements && a.elements.length === b.elements.length;
  const elements = listed ? a.elements.map((dim, i) => same(dim, b.elements![i]!)) : undefined;
  return { dtype, shape, elements };
}

function same(a: Dim, b: Dim): Dim {
  return a === b ? a : null;
}

/**
 * Body outputs for carried values that keep, from one turn to the next, what is known of them; what
 * a turn changes is forgotten. `rest` are the inputs beside the carried ones.
 */
function carriedOutputs(
  { infer, depth }: Flow,
  body: Graph,
  initial: readonly ValueFacts[],
  inputsFor: (carried: readonly ValueFacts[]) => readonly ValueFacts[],
  skip: number,
): { readonly carried: readonly ValueFacts[]; readonly others: readonly ValueFacts[] } {
  const typesOnly = initial.map(({ dtype }) => ({ dtype }));
  let carried: readonly ValueFacts[] = depth > MAX_REVISED_DEPTH ? typesOnly : initial;
  for (let turn = 0; ; turn++) {
    const outputs = outputsOf(body, infer, inputsFor(carried));
    const after = outputs.slice(skip, skip + initial.length);
    const merged = carried.map((facts, i) => merge(facts, after[i] ?? {}));
    const stays = merged.every((facts, i) => isSame(facts, carried[i]!));
    const others = outputs.slice(skip + initial.length);
    if (stays || carried === typesOnly) return { carried, others };
    carried = turn === 0 ? merged : typesOnly;
  }
}

function isSame(a: ValueFacts, b: ValueFacts): boolean {
  return (
    a.dtype === b.dtype &&
    JSON.stringify([a.shape, a.elements]) === JSON.stringify([b.shape, b.elements])
  );
}

function inferLoop(flow: Flow): readonly ValueFacts[] {
  const body = bodyOf(flow.node, 'body');
  if (body === undefined) return [];
  const counter: ValueFacts = { dtype: 'int64', shape: [] };
  const condition: ValueFacts = { dtype: 'bool', shape: [] };
  const initial = flow.inputs.slice(2);
  const { carried, others } = carriedOutputs(
    flow,
    body,
    initial,
    (values) => [counter, condition, ...values],
    1,
  );
  return [...carried, ...others.map((facts) => stacked(facts, 0, null))];
}

function inferScan(flow: Flow): readonly ValueFacts[] {
  const body = bodyOf(flow.node, 'body');
  const count = intAttribute(flow.node, 'num_scan_inputs', 0);
  // Scan-8 takes the lengths of the sequences first, and scans a second axis.
  if (body === undefined || flow.inputs.length !== body.inputs.length) return [];
  const states = flow.inputs.length - count;
  const axes = intsAttribute(flow.node, 'scan_input_axes', []);
  const scanned = flow.inputs.slice(states);
  const lengths = scanned.map(({ shape }, i) => shape?.at(axes[i] ?? 0) ?? null);
  const length = lengths.find((dim) => typeof dim === 'number') ?? lengths[0] ?? null;
  const slices = scanned.map(({ dtype, shape }, i) => ({
    dtype,
    shape: shape?.toSpliced(front(axes[i] ?? 0, shape.length), 1),
  }));
  const initial = flow.inputs.slice(0, states);
  const inputsFor = (values: readonly ValueFacts[]) => [...values, ...slices];
  const { carried, others } = carriedOutputs(flow, body, initial, inputsFor, 0);
  const outputAxes = intsAttribute(flow.node, 'scan_output_axes', []);
  return [...carried, ...others.map((facts, i) => stacked(facts, outputAxes[i] ?? 0, length))];
}

/** What each turn gives, put together along a new axis. */
function stacked({ dtype, shape }: ValueFacts, axis: number, length: Dim): ValueFacts {
  return { dtype, shape: shape?.toSpliced(front(axis, shape.length + 1), 0, length) };
}
