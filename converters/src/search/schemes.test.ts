import { TARGETS } from '@flotilla/targets';
import { expect, test } from 'vitest';
import type { Work } from '../verify/work.ts';
import { isPromising, refinements, slowerNodes } from './schemes.ts';

const products = (kind: 'conv' | 'depthwise' | 'matmul'): Work => ({
  nodes: [{ node: kind, kind, operations: 100 }],
  activationBytes: 1,
});

test("int8-dynamic is offered only where ONNX Runtime's own kernels run", () => {
  // com.microsoft.DynamicQuantizeLSTM and MatMulIntegerToFloat are its processor provider's.
  const offering = Object.values(TARGETS).filter(({ precisions }) =>
    (precisions as readonly string[]).includes('int8-dynamic'),
  );
  expect(offering.length).toBeGreaterThan(0);
  for (const { providers, runtimes } of offering) {
    expect(['cpu', 'wasm']).toContain(providers[0]);
    expect(runtimes.every((runtime) => runtime.startsWith('onnxruntime'))).toBe(true);
  }
});

test('precisions of matrix products are promising where those are much of the work', () => {
  const target = TARGETS['x86-64'];
  expect(isPromising('int8-dynamic', target, products('matmul'))).toBe(true);
  expect(isPromising('int8-dynamic', target, products('conv'))).toBe(false);
  expect(isPromising('int4', TARGETS['raspberry-pi-5'], products('matmul'))).toBe(true);
  expect(isPromising('int4', TARGETS['jetson-orin'], products('matmul'))).toBe(false);
  expect(isPromising('int8', target, products('conv'))).toBe(true);
});

test('what a target computes slower in int8 is told by its cost table', () => {
  const slow = slowerNodes(TARGETS['browser-wasm'], products('depthwise'), ['depthwise', 'other']);
  expect(slow).toEqual(['depthwise']);
});

test('only what the request leaves open is refined', () => {
  expect(refinements({ biasCorrection: false, equalize: true })).toEqual([
    { rounding: 'adaptive' },
  ]);
});
