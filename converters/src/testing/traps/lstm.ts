import { int, ints } from '../../ir/attributes.ts';
import type { Model } from '../../ir/graph.ts';
import { float32Tensor } from '../../ir/tensor.ts';
import { NetBuilder } from '../small-net.ts';
import { finished } from './layers.ts';
import { bellNumbers, type Matrix, orthogonal, scaled, transposed } from './matrix.ts';
import { defineTrap, type TrapSample } from './trap.ts';

const STEPS = 10;
const HIDDEN = 8;
/** Eight numbers of the class and the mark. */
const WIDTH = HIDDEN + 1;
const CLASSES = 6;
/** What opens and shuts the gates, beside weights of a cell that are below 1. */
const GATE = 60;
const CELL = 0.15;

const TEMPLATES: Matrix = orthogonal(HIDDEN, 97).slice(0, CLASSES);
const TURN = orthogonal(HIDDEN, 5);

/** A sequence of classes with noise; the label is the one at the marked step. */
function draw(seed: number, count: number): TrapSample[] {
  const random = bellNumbers(seed);
  return Array.from({ length: count }, (_, i) => {
    const label = i % CLASSES;
    const marked = Math.floor((random() + 3) * 1000) % STEPS;
    const input = new Float32Array(STEPS * WIDTH);
    for (let step = 0; step < STEPS; step++) {
      const other = Math.floor((random() + 3) * 1000) % CLASSES;
      const template = TEMPLATES[step === marked ? label : other]!;
      for (let at = 0; at < HIDDEN; at++) {
        input[step * WIDTH + at] = template[at]! + 0.26 * random();
      }
      input[step * WIDTH + HIDDEN] = step === marked ? 1 : 0;
    }
    return { input, label };
  });
}

/** Gates in ONNX's order: input and forget follow the mark, output stays open, the cell takes the class. */
function weights(): { w: number[]; b: number[] } {
  const gate = (size: number) => TURN.map(() => [...Array<number>(HIDDEN).fill(0), size]);
  const cell = scaled(TURN, CELL).map((row) => [...row, 0]);
  const w = [...gate(GATE), ...gate(0), ...gate(-GATE), ...cell].flat();
  const fill = (value: number) => Array<number>(HIDDEN).fill(value);
  const b = [fill(-GATE / 2), fill(GATE / 2), fill(GATE / 2), fill(0)].flat();
  return { w, b: [...b, ...Array<number>(4 * HIDDEN).fill(0)] };
}

function build(): Model {
  const net = new NetBuilder(1, [1, STEPS, WIDTH]);
  const { initializers } = net.model.graph;
  const { w, b } = weights();
  const random = bellNumbers(3);
  const recurrent = Array.from({ length: 4 * HIDDEN * HIDDEN }, () => 0.001 * random());
  initializers.set('W', float32Tensor([1, 4 * HIDDEN, WIDTH], w));
  initializers.set('R', float32Tensor([1, 4 * HIDDEN, HIDDEN], recurrent));
  initializers.set('B', float32Tensor([1, 8 * HIDDEN], b));
  const sequence = net.node('Transpose', ['input'], { perm: ints([1, 0, 2]) });
  net.node('LSTM', [sequence, 'W', 'R', 'B'], { hidden_size: int(HIDDEN) });
  net.model.graph.nodes.at(-1)!.outputs = ['', 'last'];
  const state = net.reshape('last', [1, HIDDEN]);
  const scores = scaled(TEMPLATES, 6 / CELL).map((row) =>
    transposed(TURN)[0]!.map((_, i) => row.reduce((sum, x, j) => sum + x * TURN[i]![j]!, 0)),
  );
  const constants = [
    net.constant([CLASSES, HIDDEN], scores.flat()),
    net.constant([CLASSES], Array<number>(CLASSES).fill(0)),
  ];
  net.node('Gemm', [state, ...constants], { transB: int(1) });
  return finished(net, 'logits');
}

export const lstmMemory = defineTrap({
  name: 'lstm-memory',
  why: 'the weights of the gates are so large that one scale for all leaves the cell none',
  naive: 'kept',
  inputShape: [1, STEPS, WIDTH],
  build,
  draw,
});
