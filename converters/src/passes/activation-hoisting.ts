import { isOp, type Node } from '../ir/graph.ts';
import type { GraphEditor } from './editor.ts';
import { rewritePass } from './rewrite.ts';

/** Compute what an activation behind them can be fused with. */
const FUSABLE = ['Conv', 'ConvTranspose', 'Gemm', 'MatMul', 'Add', 'Mul'];

/** Hand on some of their values, in another place: an activation may as well come before them. */
const MOVERS = [
  'MaxPool',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'DepthToSpace',
];

/**
 * Moves Relu and Clip from behind a pool or reshape to the operator that computes the values, which
 * runtimes then fuse them with; int8 needs no range of its own for what lies between.
 */
export const activationHoisting = rewritePass(
  'activation-hoisting',
  ['Relu', 'Clip'],
  (activation, editor) => {
    const [value = ''] = activation.inputs;
    const mover = editor.producer(value);
    if (!mover || !isOp(mover, ...MOVERS) || mover.outputs.length !== 1) return undefined;
    const first = firstMover(mover, editor);
    const computes = editor.producer(first.inputs[0]);
    if (computes === undefined || !isOp(computes, ...FUSABLE)) return undefined;
    const seen = whySeen(value, first, editor);
    if (seen !== undefined) return { declined: `stays behind ${mover.op}: ${seen}` };
    hoist(activation, mover, first, editor);
    return { did: `moved to ${computes.op} ${JSON.stringify(computes.name)}` };
  },
);

function firstMover(mover: Node, editor: GraphEditor): Node {
  let first = mover;
  for (
    let before = editor.producer(first.inputs[0]);
    before;
    before = editor.producer(first.inputs[0])
  ) {
    if (!isOp(before, ...MOVERS) || before.outputs.length !== 1) break;
    first = before;
  }
  return first;
}

/** Why a value between the operator that computes and the activation is needed as it is. */
function whySeen(value: string, first: Node, editor: GraphEditor): string | undefined {
  for (let name = value; ; ) {
    const seen = editor.seenElsewhere(name);
    if (seen !== undefined) return seen;
    const maker = editor.producer(name);
    if (maker === undefined || name === first.inputs[0]) return undefined;
    name = maker.inputs[0] ?? '';
  }
}

function hoist(activation: Node, last: Node, first: Node, editor: GraphEditor): void {
  const [source = ''] = first.inputs;
  const [output = ''] = activation.outputs;
  const moved = editor.fresh(`${source}_bounded`);
  editor.setFacts(moved, editor.facts(source));
  editor.setOutput(activation, 0, moved);
  editor.setOutput(last, 0, output);
  editor.setInputs(activation, [source, ...activation.inputs.slice(1)]);
  editor.setInputs(first, [moved, ...first.inputs.slice(1)]);
}
