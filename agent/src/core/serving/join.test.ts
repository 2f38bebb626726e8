import type { Golden, Session, Tensors } from '@flotilla/model';
import { describe, expect, test } from 'vitest';
import { join, kindOf, mayJoin, samplesIn, split } from './join.ts';

const halves = (rows: number): Tensors => ({
  a: { type: 'FP16', shape: [rows, 2], data: Uint16Array.from({ length: rows * 2 }, (_, i) => i) },
  b: {
    type: 'INT64',
    shape: [rows],
    data: BigInt64Array.from({ length: rows }, (_, i) => BigInt(i)),
  },
});
const row = (value: number): Tensors => ({
  x: { type: 'FP32', shape: [1, 1], data: Float32Array.of(value) },
});

/** Applies a function to all rows at once. */
const sessionOf = (shape: readonly number[], apply: (rows: number[]) => number[]) =>
  ({
    inputs: [{ name: 'x', type: 'FP32', shape }],
    outputs: [{ name: 'x', type: 'FP32', shape }],
    run: async ({ x }: Tensors) => {
      const data = Float32Array.from(apply([...x!.data].map(Number)));
      return { x: { type: 'FP32', shape: [data.length, 1], data } };
    },
  }) as unknown as Session;
const golden: Golden = {
  inputs: [row(1), row(2)],
  outputs: [],
  tolerance: { absolute: 1e-6, relative: 0 },
};

describe('joining', () => {
  test('is undone by splitting, for every tensor', () => {
    const parts = [halves(1), halves(3), halves(2)];
    const joined = join(parts);
    expect(joined.a?.shape).toEqual([6, 2]);
    expect(split(joined, [1, 3, 2])).toEqual(parts);
    expect(split(joined, [1, 3])).toBeUndefined();
  });

  test('tells what is alike and how many samples there are', () => {
    expect(samplesIn(halves(3))).toBe(3);
    expect(samplesIn({ ...halves(3), c: halves(2).a! })).toBeUndefined();
    expect(samplesIn({})).toBeUndefined();
    expect(kindOf(halves(3))).toBe(kindOf(halves(1)));
    expect(kindOf(halves(3))).not.toBe(kindOf(row(1)));
  });

  test('is allowed where the first dimension is proven to be that of a batch', async () => {
    const double = (rows: number[]) => rows.map((value) => 2 * value);
    const running = (rows: number[]) => rows.map((_, i) => rows[i]! + (rows[i - 1] ?? 0));
    const mean = (rows: number[]) => [rows.reduce((sum, value) => sum + value, 0) / rows.length];
    const fails = (rows: number[]) => {
      if (rows.length > 1) throw new Error('one at a time');
      return rows;
    };
    expect(await mayJoin(sessionOf([-1, 1], double), golden)).toBe(true);
    expect(await mayJoin(sessionOf([1, 1], double), golden)).toBe(false);
    expect(await mayJoin(sessionOf([-1, 1], running), golden)).toBe(false);
    expect(await mayJoin(sessionOf([-1, 1], mean), golden)).toBe(false);
    expect(await mayJoin(sessionOf([-1, 1], fails), golden)).toBe(false);
    expect(await mayJoin(sessionOf([-1, 1], double), { ...golden, inputs: [] })).toBe(false);
  });
});
