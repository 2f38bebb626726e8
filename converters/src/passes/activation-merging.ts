import { float } from '../ir/attributes.ts';
import { isOp, makeNode, type Node } from '../ir/graph.ts';
import { fromNumbers } from '../ir/tensor.ts';
import type { GraphEditor } from './editor.ts';
import { addsAxes } from './pattern.ts';
import { type Outcome, rewritePass } from './rewrite.ts';

const FLOATS: readonly unknown[] = ['float16', 'float32', 'float64'];

/** Largest finite float32, which exporters write for "no upper bound". */
const LARGEST = 3.4028234663852886e38;

/** What lets through values between two bounds, which may be infinite, and cuts off the others. */
interface Bounds {
  readonly low: number;
  readonly high: number;
}

/**
 * Makes one Relu or Clip of a run of Relu, Clip, Min and Max with constants. ONNX Runtime absorbs
 * one of them into the operator before it, in fp32 and int8; with two it leaves the operator in fp32.
 */
export const activationMerging = rewritePass(
  'activation-merging',
  ['Relu', 'Clip', 'Min', 'Max', 'PRelu'],
  (node, editor) => {
    if (node.op === 'PRelu') return leakyRelu(node, editor);
    const found = boundsOf(node, editor);
    const type = editor.dtype(node.outputs[0]);
    if (found === undefined || !FLOATS.includes(type)) return undefined;
    const before = editor.producer(found.value);
    const earlier = before && boundsOf(before, editor);
    if (before === undefined || earlier === undefined) return normalize(node, found, editor);
    const seen = editor.seenElsewhere(found.value);
    if (seen !== undefined)
      return { declined: `is not merged with ${before.op} before it: ${seen}` };
    const merged = { ...within(earlier, found), value: earlier.value };
    replace(node, merged, editor);
    editor.remove(before);
    return { did: `with ${before.op} ${JSON.stringify(before.name)} before it` };
  },
);

/** Bounds of one activation after those of another: each bound of the first goes through the second. */
function within(first: Bounds, second: Bounds): Bounds {
  const through = (n: number) => Math.min(Math.max(n, second.low), second.high);
  return { low: through(first.low), high: through(first.high) };
}

interface Bounded extends Bounds {
  /** What is bounded. */
  readonly value: string;
}

function boundsOf(node: Node, editor: GraphEditor): Bounded | undefined {
  const [value = '', second = '', third = ''] = node.inputs;
  const [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  if (isOp(node, 'Relu')) return { value, low: 0, high };
  if (isOp(node, 'Clip')) {
    const bounds = {
      value,
      low: second ? editor.scalar(second) : low,
      high: third ? editor.scalar(third) : high,
    };
    return isComplete(bounds) ? bounds : undefined;
  }
  if (!isOp(node, 'Min', 'Max') || node.inputs.length !== 2) return undefined;
  const side = editor.constant(second) ? 1 : 0;
  const bound = editor.scalar(node.inputs[side]);
  const other = node.inputs[1 - side] ?? '';
  if (bound === undefined || Number.isNaN(bound)) return undefined;
  if (addsAxes(node.inputs[side] ?? '', other, editor)) return undefined;
  return node.op === 'Max'
    ? { value: other, low: bound, high }
    : { value: other, low, high: bound };
}

function isComplete(bounds: {
  value: string;
  low: number | undefined;
  high: number | undefined;
}): bounds is Bounded {
  const { low, high } = bounds;
  return low !== undefined && high !== undefined && low <= high;
}

/** Relu where that is all, Clip for Min and Max, nothing where all is let through. */
function normalize(node: Node, { value, low, high }: Bounded, editor: GraphEditor): Outcome {
  if (low === Number.NEGATIVE_INFINITY && high === Number.POSITIVE_INFINITY) {
    return editor.bypass(node, value) ? { did: 'lets everything through' } : undefined;
  }
  const op = isRelu({ low, high }) ? 'Relu' : 'Clip';
  if (node.op === op) return undefined;
  replace(node, { value, low, high }, editor);
  return { did: `is a ${op}` };
}

function isRelu({ low, high }: Bounds): boolean {
  return low === 0 && high >= LARGEST;
}

function replace(node: Node, { value, low, high }: Bounded, editor: GraphEditor): void {
  const [output = ''] = node.outputs;
  const dtype = editor.dtype(output) ?? 'float32';
  const bound = (suffix: string, n: number) =>
    Number.isFinite(n)
      ? editor.addConstant(`${node.name}_${suffix}`, fromNumbers(dtype, [], [n]))
      : '';
  const relu = isRelu({ low, high });
  const inputs = relu ? [value] : [value, bound('min', low), bound('max', high)];
  editor.remove(node);
  editor.add(
    makeNode(
      relu ? 'Relu' : 'Clip',
      node.name,
      inputs.slice(0, inputs.findLastIndex(Boolean) + 1),
      [output],
    ),
  );
}

/** PRelu of one slope: a LeakyRelu, which runs in integers where PRelu does not. */
function leakyRelu(node: Node, editor: GraphEditor): Outcome {
  const slopes = editor.numbers(node.inputs[1]);
  const slope = slopes?.[0];
  const uniform = slope !== undefined && slopes?.every((each) => each === slope);
  if (!uniform || !Number.isFinite(slope) || !FLOATS.includes(editor.dtype(node.inputs[0]))) {
    return undefined;
  }
  const attributes = [['alpha', float(slope)]] as const;
  const leaky = makeNode('LeakyRelu', node.name, node.inputs.slice(0, 1), node.outputs, attributes);
  editor.remove(node);
  editor.add(leaky);
  return { did: 'has one slope: is a LeakyRelu' };
}
