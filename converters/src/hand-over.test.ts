import { TARGETS } from '@flotilla/targets';
import { expect, test } from 'vitest';
import { handOver, type Made } from './hand-over.ts';
import type { Scheme } from './quantize/scheme.ts';
import type { Found } from './search/search.ts';
import { PLAIN } from './search/testing.ts';

const FP16: Scheme = { precision: 'fp16', float: [] };
const FP32: Scheme = { precision: 'fp32' };
const profile = TARGETS['x86-64'];

function found(ranked: Found['ranked'], rungs: readonly Scheme[] = []): Found {
  const goal = {
    profile,
    precisions: profile.precisions,
    auto: true,
    settled: undefined,
    refused: [],
  };
  return { goal, ranked, rungs, trials: [], declined: [], sensitivity: [], impossible: [] };
}

/** Makes variants of which those named do not stand. */
function maker(...failing: readonly Scheme[]) {
  const tried: Scheme[] = [];
  const make = async (scheme: Scheme): Promise<Made> => {
    tried.push(scheme);
    const bundle = failing.includes(scheme) ? undefined : ({} as NonNullable<Made['bundle']>);
    return { assessment: { scheme } as Made['assessment'], bundle };
  };
  return { tried, make };
}

const schemesOf = (made: readonly Made[]) => made.map(({ assessment }) => assessment.scheme);

test('the first that stands is taken, and what was ranked before it told', async () => {
  const { make, tried } = maker(PLAIN);
  const { made, refused } = await handOver(found([[PLAIN, FP16, FP32]]), make);
  expect(schemesOf(made)).toEqual([FP16]);
  expect(schemesOf(refused)).toEqual([PLAIN]);
  expect(tried).toEqual([PLAIN, FP16]);
});

test('fp32 is tried in any case, also where much is ranked before and something after it', async () => {
  const mixed = Array.from({ length: 6 }, (_, i) => ({ ...PLAIN, float: [`${i}`] }));
  const { make, tried } = maker(...mixed, FP16);
  const { made } = await handOver(found([[...mixed, FP32, FP16]]), make);
  expect(tried).toEqual([...mixed.slice(0, 4), FP32]);
  expect(schemesOf(made)).toEqual([FP32]);
});

test('of the variants in floats beside it, too, the first that stands', async () => {
  const { make } = maker(FP16);
  const { made } = await handOver(found([[PLAIN]], [FP16, FP32]), make);
  expect(schemesOf(made)).toEqual([PLAIN, FP32]);
});

test('beside a variant in floats nothing else is needed', async () => {
  const { make, tried } = maker(PLAIN);
  await handOver(found([[PLAIN, FP32]], [FP32]), make);
  expect(tried).toEqual([PLAIN, FP32]);
});
