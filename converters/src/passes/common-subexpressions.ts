import { subgraphsOf } from '../ir/edit.ts';
import type { Attribute, Node } from '../ir/graph.ts';
import { byteLength } from '../ir/stored.ts';
import { OPERATORS } from '../ops/operators.ts';
import type { GraphEditor } from './editor.ts';
import type { Pass, PassResult } from './pass.ts';
import { RANDOM_OPERATORS } from './random-operators.ts';
import { lineOf, rewriteGraphs } from './rewrite.ts';

/** Dropout is one where it is in training mode. */
const RANDOM = new Set([...RANDOM_OPERATORS, 'Dropout']);

/** Each taker of a quantized value wants a conversion of its own: runtimes fuse them with it. */
const CONVERSIONS = new Set(['QuantizeLinear', 'DequantizeLinear']);

/** The order of their two inputs makes no difference, to the last bit. */
const COMMUTATIVE = new Set(['Add', 'Mul', 'And', 'Or', 'Xor', 'Equal']);

/** Larger constants are compared by name alone. */
const MAX_COMPARED_BYTES = 256;

/**
 * Computes once what several nodes of one graph compute alike: same operator, inputs and attributes.
 * A graph within a node is a scope of its own, because it may never run.
 */
export const commonSubexpressions: Pass = {
  name: 'common-subexpressions',
  run: (model) => rewriteGraphs(model, mergeIn),
};

function mergeIn(editor: GraphEditor): PassResult {
  const did: string[] = [];
  const declined: string[] = [];
  const first = new Map<string, Node>();
  const objects: Objects = new Map();
  for (const node of editor.graph.nodes) {
    if (!isRepeatable(node)) continue;
    const key = keyOf(node, editor, objects);
    const same = first.get(key);
    if (same === undefined) {
      first.set(key, node);
    } else if (mergeInto(same, node, editor)) {
      did.push(lineOf(node, `is ${JSON.stringify(same.name)} again`));
    } else {
      const why = 'both make outputs of the graph';
      declined.push(lineOf(node, `stays, though it is ${JSON.stringify(same.name)} again: ${why}`));
    }
  }
  return { changed: did.length, did, declined };
}

function isRepeatable(node: Node): boolean {
  if (node.domain !== '' || !Object.hasOwn(OPERATORS, node.op)) return false;
  return !RANDOM.has(node.op) && !CONVERSIONS.has(node.op) && subgraphsOf(node).length === 0;
}

/** Lets takers of the second node take what the first makes; false where both make an output. */
function mergeInto(first: Node, second: Node, editor: GraphEditor): boolean {
  const pairs = second.outputs.map((name, i) => [name, first.outputs[i]!, i] as const);
  if (pairs.some(([name, kept]) => name && editor.isOutput(name) && editor.isOutput(kept))) {
    return false;
  }
  editor.remove(second);
  for (const [name, kept, i] of pairs) {
    if (name === '') continue;
    if (editor.isOutput(name)) {
      editor.setOutput(first, i, name);
      editor.replaceUses(kept, name);
    } else {
      editor.replaceUses(name, kept);
    }
  }
  return true;
}

function keyOf(node: Node, editor: GraphEditor, objects: Objects): string {
  const inputs = node.inputs.map((name) => keyOfInput(name, editor));
  if (COMMUTATIVE.has(node.op) && inputs.length === 2) inputs.sort();
  const attributes = [...node.attributes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, attribute]) => [name, keyOfAttribute(attribute, objects)]);
  const made = node.outputs.map((name) => name !== '');
  return JSON.stringify([node.op, inputs, attributes, made]);
}

/** Small constants by what they hold, everything else by name. */
function keyOfInput(name: string, editor: GraphEditor): string {
  const tensor = editor.constant(name);
  if (!tensor || tensor.strings || byteLength(tensor) > MAX_COMPARED_BYTES) return `value ${name}`;
  return `constant ${tensor.dtype} ${tensor.dims} ${tensor.bytes}`;
}

function keyOfAttribute(attribute: Attribute, objects: Objects): string {
  switch (attribute.kind) {
    case 'float':
      return `float ${Object.is(attribute.value, -0) ? '-0' : attribute.value}`;
    case 'floats':
      return `floats ${attribute.value.map((n) => (Object.is(n, -0) ? '-0' : n))}`;
    case 'int':
    case 'ints':
    case 'string':
      return `${attribute.kind} ${attribute.value}`;
    case 'strings':
      return `strings ${attribute.value.map((each) => [...each]).join(';')}`;
    default:
      return `object ${numberOf(attribute.value, objects)}`;
  }
}

/** A number for each object met, so that only the very same is equal. */
type Objects = Map<unknown, number>;

function numberOf(object: unknown, objects: Objects): number {
  const number = objects.get(object) ?? objects.size;
  objects.set(object, number);
  return number;
}
