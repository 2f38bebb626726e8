import { ints } from '../ir/attributes.ts';
import { allGraphs } from '../ir/edit.ts';
import { isOp, makeNode, type Node } from '../ir/graph.ts';
import { int64Tensor } from '../ir/tensor.ts';
import type { GraphEditor } from './editor.ts';
import type { Pass, PassResult } from './pass.ts';
import { shapeConstant } from './reshape-elimination.ts';
import { currentOpset, lineOf, rewriteGraphs } from './rewrite.ts';
import { findRegions, type Region } from './transpose-region.ts';
import { compose, invert, isInOrder, type Order, orderOf } from './transpose-rules.ts';

/** One round may make room for another. */
const MAX_ROUNDS = 20;

/**
 * Takes Transposes out: one after another becomes one or none, one that moves nothing but axes of
 * size 1 becomes a Reshape, and between two that cancel, what lies there works on the other layout
 * (models translated from TFLite carry such pairs around every operator).
 */
export const transposeElimination: Pass = {
  name: 'transpose-elimination',
  requires: currentOpset,
  run: (model) => {
    const some = allGraphs(model.graph).some(({ nodes }) =>
      nodes.some((node) => isOp(node, 'Transpose')),
    );
    if (!some) return { changed: 0 };
    const rounds: PassResult[] = [];
    do rounds.push(rewriteGraphs(model, eliminateIn));
    while (rounds.at(-1)!.changed > 0 && rounds.length < MAX_ROUNDS);
    return {
      changed: rounds.reduce((sum, { changed }) => sum + changed, 0),
      did: rounds.flatMap(({ did = [] }) => did),
      declined: rounds.at(-1)!.declined ?? [],
    };
  },
};

function eliminateIn(editor: GraphEditor): PassResult {
  const did: string[] = [];
  const declined: string[] = [];
  for (const node of editor.graph.nodes.slice()) {
    if (!isOp(node, 'Transpose')) continue;
    const done = mergeWithBefore(node, editor) ?? asReshape(node, editor);
    if (done !== undefined) did.push(lineOf(node, done));
  }
  const touched = new Set<Node>();
  const regions = findRegions(editor).map((region) => {
    return { region, around: transposesAround(region, editor) };
  });
  for (const { region, around } of regions) {
    if (around.some((node) => touched.has(node))) continue;
    if (region.gain <= 0) {
      declined.push(lineOf(region.source, `stays: ${region.why}`));
      continue;
    }
    for (const node of around) touched.add(node);
    flip(region, editor);
    const names = `${region.flips.size} operators`;
    did.push(lineOf(region.source, `moved through ${names}, which take the other layout`));
  }
  return { changed: did.length, did, declined };
}

/** What ends one region may begin another: only one of the two may be flipped at a time. */
function transposesAround({ orders }: Region, editor: GraphEditor): Node[] {
  const around = [...orders.keys()].flatMap((value) => {
    const maker = editor.producer(value);
    return [...(maker ? [maker] : []), ...editor.takers(value)];
  });
  return around.filter((node) => isOp(node, 'Transpose'));
}

function mergeWithBefore(node: Node, editor: GraphEditor): string | undefined {
  const before = editor.producer(node.inputs[0]);
  const order = orderOf(node, editor);
  if (order && isInOrder(order)) {
    return editor.bypass(node, node.inputs[0] ?? '') ? 'moves nothing' : undefined;
  }
  if (before === undefined || !isOp(before, 'Transpose')) return undefined;
  const first = orderOf(before, editor);
  if (first === undefined || order === undefined || first.length !== order.length) return undefined;
  const [source = ''] = before.inputs;
  const both = compose(first, order);
  if (isInOrder(both)) {
    if (!editor.bypass(node, source)) return undefined;
    removeIdle(node.inputs[0] ?? '', editor);
    return `undoes ${JSON.stringify(before.name)}`;
  }
  const [value = ''] = node.inputs;
  node.attributes.set('perm', ints(both));
  editor.setInputs(node, [source]);
  removeIdle(value, editor);
  return `does what ${JSON.stringify(before.name)} did, too`;
}

/** Axes of size 1 may go anywhere: the others stay in their order. */
function asReshape(node: Node, editor: GraphEditor): string | undefined {
  const [input = '', output = ''] = [node.inputs[0], node.outputs[0]];
  const order = orderOf(node, editor);
  const shape = editor.shape(input);
  if (!editor.has(node) || !order || !shape || shape.length !== order.length) return undefined;
  const long = order.filter((axis) => shape[axis] !== 1);
  const wanted = shapeConstant(order.map((axis) => shape[axis]!));
  if (wanted === undefined || long.some((axis, i) => i > 0 && axis < long[i - 1]!))
    return undefined;
  const name = editor.addConstant(`${output}_shape`, int64Tensor([wanted.length], wanted));
  editor.remove(node);
  editor.add(makeNode('Reshape', node.name, [input, name], [output]));
  return 'moves axes of size 1 only: is a Reshape';
}

/** Lets the nodes of a region work on the other layout, and transposes what leaves it. */
function flip({ flips, orders }: Region, editor: GraphEditor): void {
  const plain = new Map<string, string>();
  for (const [value, order] of orders) {
    const maker = editor.producer(value);
    if (maker && isOp(maker, 'Transpose') && !flips.has(maker)) {
      plain.set(value, maker.inputs[0] ?? '');
      continue;
    }
    const shape = editor.shape(value);
    const name = editor.fresh(`${value}_plain`);
    const back = invert(order);
    const facts = shape && { shape: back.map((axis) => shape[axis]!) };
    editor.setFacts(name, { dtype: editor.dtype(value), ...facts });
    plain.set(value, name);
  }
  const sources = [...plain].filter(([value]) => isTransposed(value, flips, editor));
  for (const [node, change] of flips) {
    change.apply(plain);
    for (const [i, value] of node.outputs.entries()) {
      const name = plain.get(value);
      if (name !== undefined) editor.setOutput(node, i, name);
    }
  }
  for (const [value, order] of orders) leave(value, plain.get(value)!, order, editor);
  for (const [value] of sources) removeIdle(value, editor);
}

function isTransposed(
  value: string,
  flips: ReadonlyMap<Node, unknown>,
  editor: GraphEditor,
): boolean {
  const maker = editor.producer(value);
  return maker !== undefined && isOp(maker, 'Transpose') && !flips.has(maker);
}

/** Makes a value again for those outside who still take it, or an output. */
function leave(value: string, plain: string, order: Order, editor: GraphEditor): void {
  if (editor.producer(value) !== undefined) return;
  let source = plain;
  for (const taker of [...editor.takers(value)]) {
    const second = isOp(taker, 'Transpose') ? orderOf(taker, editor) : undefined;
    if (second === undefined) continue;
    const both = compose(order, second);
    if (isInOrder(both) && editor.bypass(taker, source)) {
      if (editor.producer(source) === undefined) source = taker.outputs[0] ?? '';
      continue;
    }
    taker.attributes.set('perm', ints(both));
    editor.setInputs(taker, [source]);
  }
  if (editor.takers(value).size === 0 && !editor.isOutput(value)) return;
  const name = editor.fresh(`${value}_transpose`);
  editor.add(makeNode('Transpose', name, [source], [value], [['perm', ints(order)]]));
}

function removeIdle(value: string, editor: GraphEditor): void {
  const transpose = editor.producer(value);
  const idle = editor.takers(value).size === 0 && !editor.isOutput(value);
  if (transpose !== undefined && idle) editor.remove(transpose);
}
