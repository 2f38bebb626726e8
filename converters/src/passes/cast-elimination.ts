import { intAttribute } from '../ir/attributes.ts';
import { type DataType, dataTypeOfCode } from '../ir/dtype.ts';
import { isOp, type Node } from '../ir/graph.ts';
import type { GraphEditor } from './editor.ts';
import { type Outcome, rewritePass } from './rewrite.ts';

/** Types that hold every value of a type. */
const WIDER: Partial<Record<DataType, readonly DataType[]>> = {
  bool: ['uint8', 'int8', 'int16', 'int32', 'int64', 'float16', 'float32', 'float64'],
  uint8: ['uint16', 'int16', 'uint32', 'int32', 'uint64', 'int64', 'float16', 'float32', 'float64'],
  int8: ['int16', 'int32', 'int64', 'float16', 'float32', 'float64'],
  uint16: ['uint32', 'int32', 'uint64', 'int64', 'float32', 'float64'],
  int16: ['int32', 'int64', 'float32', 'float64'],
  uint32: ['uint64', 'int64', 'float64'],
  int32: ['int64', 'float64'],
  float16: ['float32', 'float64'],
  bfloat16: ['float32', 'float64'],
  float32: ['float64'],
};

const FLOATS: readonly DataType[] = ['float16', 'bfloat16', 'float32', 'float64'];

/** Removes casts to the type that is there, and merges a cast with the one before it where that lost nothing. */
export const castElimination = rewritePass(
  'cast-elimination',
  ['Cast', 'CastLike'],
  (node, editor) => {
    const [input = ''] = node.inputs;
    const to = targetOf(node, editor);
    if (to === undefined) return undefined;
    if (editor.dtype(input) === to) {
      return editor.bypass(node, input)
        ? { did: `is ${to} already` }
        : {
            declined: `stays, though it is ${to} already: it stands between an input and an output`,
          };
    }
    const before = editor.producer(input);
    const from = before && isOp(before, 'Cast') ? editor.dtype(before.inputs[0]) : undefined;
    const through = editor.dtype(input);
    if (!before || !from || !through || !isOp(node, 'Cast')) return undefined;
    return merge({ node, before, from, through, to }, editor);
  },
);

interface Pair {
  readonly node: Node;
  readonly before: Node;
  readonly from: DataType;
  readonly through: DataType;
  readonly to: DataType;
}

/** A cast from `from` through `through` to `to` in one, where the first loses nothing. */
function merge({ node, before, from, through, to }: Pair, editor: GraphEditor): Outcome {
  if (!WIDER[from]?.includes(through)) {
    const back = from === to;
    return back ? { declined: `stays: ${through} between two ${from} loses values` } : undefined;
  }
  const floats = FLOATS.includes(from) && FLOATS.includes(through) && FLOATS.includes(to);
  const kept = from === to || to === 'bool' || WIDER[from]?.includes(to) || floats;
  if (!kept) return undefined;
  const [source = ''] = before.inputs;
  if (from !== to) {
    editor.setInputs(node, [source]);
    return { did: `takes ${from} without the cast to ${through} before it` };
  }
  return editor.bypass(node, source)
    ? { did: `undoes the cast before it` }
    : { declined: 'stays: it stands between an input and an output' };
}

function targetOf(node: Node, editor: GraphEditor): DataType | undefined {
  if (node.op === 'CastLike') return editor.dtype(node.inputs[1]);
  return dataTypeOfCode(intAttribute(node, 'to', 0));
}
