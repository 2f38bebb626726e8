import { isOp, type Node } from '../ir/graph.ts';
import type { GraphEditor } from './editor.ts';
import { compose, type Flip, flipOf, isInOrder, type Order, orderOf } from './transpose-rules.ts';

/** Operators behind Transposes that could all work without them. */
export interface Region {
  /** The first Transpose before it. */
  readonly source: Node;
  /** In graph order. */
  readonly flips: ReadonlyMap<Node, Flip>;
  /** How each value that a Transpose or a member makes is transposed, where a member is concerned. */
  readonly orders: ReadonlyMap<string, Order>;
  /** Elements that Transposes move before, less those after; not positive where it is not worth it. */
  readonly gain: number;
  /** Why it is not worth it. */
  readonly why: string;
}

/**
 * The regions of a graph: largest sets of connected operators whose inputs are all transposed, and
 * from which then is taken, from the end, what moves no more than it saves. Every node is in one at
 * most, so that all of them may be flipped.
 */
export function findRegions(editor: GraphEditor): Region[] {
  const orders = new Map<string, Order>();
  const flips = new Map<Node, Flip>();
  for (const node of editor.graph.nodes) {
    if (!editor.has(node)) continue;
    if (isOp(node, 'Transpose')) {
      const order = orderOf(node, editor);
      if (order && !isInOrder(order)) orders.set(node.outputs[0] ?? '', order);
      continue;
    }
    const own = node.inputs.map((name) => orders.get(name));
    const flip = own.some((order) => order !== undefined) ? flipOf(node, own, editor) : undefined;
    if (flip === undefined) continue;
    flips.set(node, flip);
    for (const [i, name] of node.outputs.entries()) {
      if (name && !isInOrder(flip.orders[i]!)) orders.set(name, flip.orders[i]!);
    }
  }
  return components(flips, orders, editor).map((members) => trim(members, flips, orders, editor));
}

/** Members that transposed values connect. */
function components(
  flips: ReadonlyMap<Node, Flip>,
  orders: ReadonlyMap<string, Order>,
  editor: GraphEditor,
): Node[][] {
  const found: Node[][] = [];
  const seen = new Set<Node>();
  for (const root of flips.keys()) {
    if (seen.has(root)) continue;
    const members = new Set<Node>();
    const open = [root];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (members.has(node) || !flips.has(node)) continue;
      members.add(node);
      for (const name of [...node.inputs, ...node.outputs]) {
        if (!orders.has(name)) continue;
        const maker = editor.producer(name);
        if (maker !== undefined) open.push(maker);
        open.push(...editor.takers(name));
      }
    }
    for (const node of members) seen.add(node);
    found.push([...flips.keys()].filter((node) => members.has(node)));
  }
  return found;
}

/** Leaves out, from the end, each member without which no more is moved. */
function trim(
  nodes: readonly Node[],
  flips: ReadonlyMap<Node, Flip>,
  orders: ReadonlyMap<string, Order>,
  editor: GraphEditor,
): Region {
  const members = new Set(nodes);
  const cost = (value: string) => movedAt(value, members, orders.get(value)!, editor);
  const concerned = (node: Node) =>
    new Set([...node.inputs, ...node.outputs].filter((name) => orders.has(name)));
  const costOf = (values: Iterable<string>) =>
    [...values].reduce((sum, value) => sum + cost(value), 0);
  const all = new Set(nodes.flatMap((node) => [...concerned(node)]));
  for (const node of nodes.toReversed()) {
    const leads = node.outputs.some((name) =>
      [...editor.takers(name)].some((each) => members.has(each)),
    );
    if (leads) continue;
    const values = concerned(node);
    const before = costOf(values);
    members.delete(node);
    if (costOf(values) > before) members.add(node);
  }
  const gain = costBefore(all, editor) - costOf(all);
  const kept = nodes.filter((node) => members.has(node));
  const touched = new Set(kept.flatMap((node) => [...concerned(node)]));
  const source = sourceOf(nodes, orders, editor);
  return {
    source,
    flips: new Map(kept.map((node) => [node, flips.get(node)!])),
    orders: new Map([...touched].map((value) => [value, orders.get(value)!])),
    gain: kept.length === 0 ? 0 : gain,
    why: 'moving it would transpose as much elsewhere',
  };
}

function sourceOf(
  nodes: readonly Node[],
  orders: ReadonlyMap<string, Order>,
  editor: GraphEditor,
): Node {
  const inputs = nodes.flatMap((node) => node.inputs.filter((name) => orders.has(name)));
  const makers = inputs.map((name) => editor.producer(name));
  return makers.find((maker) => maker !== undefined && isOp(maker, 'Transpose')) ?? nodes[0]!;
}

/** What Transposes next to a value move, the members being flipped. */
function movedAt(
  value: string,
  members: ReadonlySet<Node>,
  order: Order,
  editor: GraphEditor,
): number {
  const maker = editor.producer(value);
  const outside = [...editor.takers(value)].filter((taker) => !members.has(taker));
  const size = sizeOf(value, editor);
  const remains = editor.isOutput(value) || outside.some((taker) => !isOp(taker, 'Transpose'));
  if (maker !== undefined && isOp(maker, 'Transpose')) {
    return remains || outside.length > 0 ? size : 0;
  }
  if (maker === undefined || !members.has(maker)) return transposesBehind(outside, size);
  const behind = outside.filter((taker) => {
    const second = isOp(taker, 'Transpose') ? orderOf(taker, editor) : undefined;
    return second !== undefined && !isInOrder(compose(order, second));
  });
  return (remains ? size : 0) + behind.length * size;
}

function transposesBehind(takers: readonly Node[], size: number): number {
  return takers.filter((taker) => isOp(taker, 'Transpose')).length * size;
}

/** What they move as the graph is. */
function costBefore(values: ReadonlySet<string>, editor: GraphEditor): number {
  let sum = 0;
  for (const value of values) {
    const maker = editor.producer(value);
    const size = sizeOf(value, editor);
    if (maker && isOp(maker, 'Transpose')) sum += size;
    else sum += transposesBehind([...editor.takers(value)], size);
  }
  return sum;
}

/** Elements, a size that is not known taken for 1. */
function sizeOf(value: string, editor: GraphEditor): number {
  const shape = editor.shape(value) ?? [];
  return shape.reduce<number>((all, dim) => all * (typeof dim === 'number' ? dim : 1), 1);
}
