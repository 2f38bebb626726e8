import { describe, expect, it } from 'vitest';
import { int } from '../ir/attributes.ts';
import { type Model, opsetOf } from '../ir/graph.ts';
import { graphFault } from '../ir/validate.ts';
import { relativeError, runModel } from '../testing/run-model.ts';
import { NetBuilder, randomNumbers } from '../testing/small-net.ts';
import { quantizeInt4 } from './int4.ts';
import { encode, fitBlock, SIGNED, UNSIGNED } from './int4-block.ts';
import type { Int4Scheme } from './scheme.ts';

const SCHEME: Int4Scheme = { precision: 'int4', blockSize: 16, symmetric: true, float: [] };

async function compare(model: Model, scheme: Int4Scheme = SCHEME) {
  const quantized = await quantizeInt4(model, scheme);
  expect(graphFault(quantized.model.graph)).toBeUndefined();
  const before = await runModel(model, 4);
  const after = await runModel(quantized.model, before.feeds);
  return { ...quantized, error: relativeError(before.outputs, after.outputs) };
}

/** Weights that 4 bits hold exactly, so that any other error is one of layout. */
function exactNet(rows: number, columns: number, transposed: boolean): Model {
  const net = new NetBuilder(1, [3, rows]);
  const random = randomNumbers(7);
  const weights = Array.from({ length: rows * columns }, (_, i) => {
    const row = transposed ? i % rows : Math.floor(i / columns);
    // Each block reaches both ends of its codes.
    const code = [7, -8][row % 16] ?? Math.round(random() * 6.4);
    return code / 4;
  });
  const dims = transposed ? [columns, rows] : [rows, columns];
  const weight = net.constant(dims, weights);
  if (!transposed) return net.output(net.node('MatMul', ['input', weight]));
  const bias = net.weights([columns], 4);
  return net.output(net.node('Gemm', ['input', weight, bias], { transB: int(1) }));
}

describe('quantizeInt4', () => {
  it.each([
    [32, 5, false, true],
    [37, 7, false, true],
    [37, 7, true, true],
    [5, 3, true, false],
    [33, 5, false, false],
  ])('keeps the place of each weight, [%i, %i]', async (rows, columns, transposed, symmetric) => {
    const model = exactNet(rows, columns, transposed);
    const { error, model: made } = await compare(model, { ...SCHEME, symmetric });
    // ONNX Runtime's kernel quantizes the left side to 8 bits, in blocks of its own.
    expect(error).toBeLessThan(0.02);
    expect(opsetOf(made)).toBe(21);
    const types = [...made.graph.initializers.values()].map(({ dtype }) => dtype);
    expect(types).toContain(symmetric ? 'int4' : 'uint4');
  });

  it('takes an eighth of the bytes, and scales', async () => {
    const net = new NetBuilder(1, [1, 64]);
    const model = net.output(net.gemm('input', 64, 64));
    const { model: made } = await compare(model, { ...SCHEME, blockSize: 64 });
    const bytes = [...made.graph.initializers.values()].map((tensor) => tensor.bytes.length);
    expect(bytes.sort((a, b) => a - b)).toEqual([64 * 4, 64 * 4, (64 * 64) / 2]);
  });

  it('comes near random weights, nearer with a zero point for each block', async () => {
    const net = new NetBuilder(3, [4, 64]);
    const model = net.output(net.gemm(net.relu(net.gemm('input', 64, 32)), 32, 8));
    const symmetric = await compare(model);
    const asymmetric = await compare(model, { ...SCHEME, symmetric: false });
    expect(symmetric.error).toBeLessThan(0.15);
    expect(asymmetric.error).toBeLessThan(0.15);
    expect(symmetric.integerNodes).toBe(2);
  });

  it('runs a weight of two products, each with constants of its own', async () => {
    const net = new NetBuilder(1, [1, 8]);
    const weight = net.weights([8, 8], 8);
    const first = net.node('MatMul', ['input', weight]);
    const { model, error } = await compare(net.output(net.node('MatMul', [first, weight])));
    expect(error).toBeLessThan(0.2);
    const weights = [...model.graph.initializers.values()].filter(({ dtype }) => dtype === 'int4');
    expect(weights).toHaveLength(2);
  });

  it('subtracts the negative of a bias, so that nothing is fused over the head of the product', async () => {
    const net = new NetBuilder(1, [2, 16]);
    const product = net.node('MatMul', ['input', net.weights([16, 8], 16)]);
    const first = net.relu(net.node('Add', [net.constant([8], [1, 2, 3, 4, 5, 6, 7, 8]), product]));
    const { model, error } = await compare(net.output(net.relu(net.gemm(first, 8, 4))));
    expect(error).toBeLessThan(0.15);
    const ops = model.graph.nodes.map((node) => node.op);
    expect(ops.filter((op) => op === 'Sub')).toHaveLength(2);
    expect(ops).not.toContain('Add');
  });

  it('leaves in float what it is told to', async () => {
    const net = new NetBuilder(1, [1, 8]);
    const first = net.gemm('input', 8, 8);
    const model = net.output(net.gemm(first, 8, 8));
    const { integerNodes } = await compare(model, { ...SCHEME, float: [`node_${first}`] });
    expect(integerNodes).toBe(1);
  });

  it('refuses a model that cannot reach the opset, naming the node, or has no products', async () => {
    const old = new NetBuilder(1, [2, 3], 5);
    const inputs = ['input', old.constant([1], [2]), old.constant([1], [1])];
    const tiled = old.output(old.node('Tile', inputs));
    await expect(quantizeInt4(tiled, SCHEME)).rejects.toThrow(
      /int4: 4-bit weights begin with opset 21, and Tile "node_tile_2" of opset 5 cannot be raised to it: it repeats/,
    );
    const net = new NetBuilder(1, [1, 3, 8, 8]);
    await expect(quantizeInt4(net.output(net.conv('input', 3, 4, 3)), SCHEME)).rejects.toThrow(
      'int4: no MatMul or Gemm has weights for it',
    );
  });
});

describe('fitBlock', () => {
  const errorOf = (weights: Float64Array, symmetric: boolean, scale?: number) => {
    const fitted = fitBlock(weights, symmetric);
    const code = scale === undefined ? fitted : { ...fitted, scale };
    const range = symmetric ? SIGNED : UNSIGNED;
    return weights.reduce(
      (sum, w) => sum + (w - (encode(w, code, range) - code.zeroPoint) * code.scale) ** 2,
      0,
    );
  };

  it('gives the largest weight the code without opposite', () => {
    expect(fitBlock(Float64Array.of(8, -7, 3), true).scale).toBe(-1);
    expect(fitBlock(Float64Array.of(-8, 7, 3), true).scale).toBe(1);
  });

  it('is exact for zeros, one weight, and weights that are codes', () => {
    expect(fitBlock(new Float64Array(16), true)).toEqual({ scale: 1, zeroPoint: 0 });
    expect(fitBlock(new Float64Array(16), false)).toEqual({ scale: 1, zeroPoint: 0 });
    for (const symmetric of [true, false]) {
      expect(errorOf(Float64Array.of(-3.7), symmetric)).toBeLessThan(1e-12);
      expect(errorOf(Float64Array.of(-8, 7, 1, 2, 3), symmetric)).toBeLessThan(1e-12);
    }
  });

  it('loses less than the largest magnitude over 7 would', () => {
    const random = randomNumbers(5);
    let [fitted, plain] = [0, 0];
    for (let i = 0; i < 50; i++) {
      const weights = Float64Array.from({ length: 32 }, () => random() + random() + random());
      const largest = weights.reduce((max, w) => Math.max(max, Math.abs(w)), 0);
      fitted += errorOf(weights, true);
      plain += errorOf(weights, true, largest / 7);
    }
    expect(fitted).toBeLessThan(0.87 * plain);
  });
});
