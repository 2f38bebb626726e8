import { int, ints } from '../../ir/attributes.ts';
import type { Model } from '../../ir/graph.ts';
import { NetBuilder } from '../small-net.ts';
import { finished } from './layers.ts';
import {
  bellNumbers,
  joined,
  type Matrix,
  mirrored,
  orthogonal,
  scaled,
  transposed,
} from './matrix.ts';
import { defineTrap, type TrapSample } from './trap.ts';

const TOKENS = 16;
/** Numbers of a token: eight for its class, the mark, one that the norm makes loud, the others noise. */
const WIDTH = 64;
const MARK = 8;
const LOUD_AT = 9;
const LOUD = 600;
const CLASS_WIDTH = 8;
const CLASSES = 6;
const MARK_SIZE = 4;

/** Directions at right angles to each other; their sum is not zero, which the norm takes out of all alike. */
const TEMPLATES: Matrix = orthogonal(CLASS_WIDTH, 98).slice(0, CLASSES);

/** Tokens of random classes; the label is the class of the one that is marked. */
function draw(seed: number, count: number): TrapSample[] {
  const random = bellNumbers(seed);
  return Array.from({ length: count }, (_, i) => {
    const label = i % CLASSES;
    const marked = Math.floor((random() + 3) * 1000) % TOKENS;
    const input = new Float32Array(TOKENS * WIDTH);
    for (let token = 0; token < TOKENS; token++) {
      const other = Math.floor((random() + 3) * 1000) % CLASSES;
      const template = TEMPLATES[token === marked ? label : other]!;
      for (let at = 0; at < WIDTH; at++) {
        input[token * WIDTH + at] = (template[at] ?? 0) * 2 + 0.25 * random();
      }
      if (token === marked) input[token * WIDTH + MARK]! += MARK_SIZE;
    }
    return { input, label };
  });
}

/** `input` · `weights`, given as [outputs][inputs] like every other matrix here, plus a bias. */
function dense(net: NetBuilder, input: string, weights: Matrix, bias?: readonly number[]): string {
  const turned = transposed(weights);
  const constant = net.constant([turned.length, turned[0]!.length], turned.flat());
  const product = net.node('MatMul', [input, constant]);
  return bias === undefined
    ? product
    : net.node('Add', [product, net.constant([bias.length], bias)]);
}

/** Layer normalization whose gain makes one number hundreds of times louder than the others. */
function loudNorm(net: NetBuilder, input: string): string {
  const gain = Array.from({ length: WIDTH }, (_, i) => (i === LOUD_AT ? LOUD : 1));
  const shift = Array<number>(WIDTH).fill(0);
  const constants = [net.constant([WIDTH], gain), net.constant([WIDTH], shift)];
  return net.node('LayerNormalization', [input, ...constants], { axis: int(-1) });
}

/** A matrix of zeros but for the entries given; the loud number is taken with a weight that tells nothing. */
function sparse(rows: number, entry: (row: number, column: number) => number): Matrix {
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: WIDTH }, (_, column) => (column === LOUD_AT ? 1e-7 : entry(row, column))),
  );
}

/** Each token attends to the marked one and takes over its class. */
function attention(net: NetBuilder, input: string): string {
  const query = dense(
    net,
    input,
    sparse(2, () => 0),
    [3, 0],
  );
  const key = dense(
    net,
    input,
    sparse(2, (row, column) => Number(row === 0 && column === MARK)),
  );
  const value = dense(
    net,
    input,
    sparse(WIDTH, (row, column) => (row === column && row < CLASS_WIDTH ? 6 : 0)),
  );
  const turned = net.node('Transpose', [key], { perm: ints([0, 2, 1]) });
  const weights = net.node('Softmax', [net.node('MatMul', [query, turned])], { axis: int(-1) });
  return net.node('MatMul', [weights, value]);
}

/** GELU, as exporters of older opsets write it. */
function gelu(net: NetBuilder, input: string): string {
  const inner = net.node('Erf', [net.node('Mul', [input, net.constant([], [Math.SQRT1_2])])]);
  const gate = net.node('Add', [inner, net.constant([], [1])]);
  return net.node('Mul', [net.node('Mul', [input, gate]), net.constant([], [0.5])]);
}

/** A transformer block before the norm (pre-LN), and a classifier on the mean of its tokens. */
function build(): Model {
  const net = new NetBuilder(1, [1, TOKENS, WIDTH], 17);
  const attended = net.node('Add', ['input', attention(net, loudNorm(net, 'input'))]);
  const turn = orthogonal(WIDTH, 6).map((row) => row.map((x, i) => (i === LOUD_AT ? 1e-7 * x : x)));
  const wide = gelu(net, dense(net, loudNorm(net, attended), mirrored(turn)));
  const block = dense(net, wide, joined(scaled(transposed(turn), 1)));
  const sum = net.node('Add', [attended, block]);
  const mean = net.node('ReduceMean', [sum], { axes: ints([1]), keepdims: int(0) });
  const scores = TEMPLATES.map((row) => Array.from({ length: WIDTH }, (_, i) => 2 * (row[i] ?? 0)));
  const constants = [
    net.constant([CLASSES, WIDTH], scores.flat()),
    net.constant([CLASSES], Array<number>(CLASSES).fill(0)),
  ];
  net.node('Gemm', [mean, ...constants], { transB: int(1) });
  return finished(net, 'logits');
}

export const transformerBlock = defineTrap({
  name: 'transformer-block',
  why: 'the gain of a layer normalization makes one number so loud that the others have no steps left',
  naive: 'lost',
  inputShape: [1, TOKENS, WIDTH],
  build,
  draw,
});
