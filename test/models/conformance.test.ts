import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Case, unpackCases } from './conformance/archive.ts';
import { checkAll } from './conformance/check-all.ts';
import type { Outcome } from './conformance/check-case.ts';
import { describeUncovered, listed, namesIn, uncoveredOf } from './conformance/uncovered.ts';

const archives = join(process.env.FLOTILLA_MODELS ?? '', 'conformance');
const folder = mkdtempSync(join(tmpdir(), 'flotilla-conformance-'));
let cases: Case[] = [];
let outcomes: readonly Outcome[] = [];

beforeAll(async () => {
  cases = unpackCases(archives, folder);
  outcomes = await checkAll(cases);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('every model of the ONNX backend suite is written with the meaning that it was read with', () => {
  const counts = ['node', 'simple', 'light'].map(
    (group) => cases.filter(({ name }) => name.startsWith(`${group}/`)).length,
  );
  expect(counts).toEqual([1802, 23, 9]);
  expect(outcomes.filter(({ changed }) => changed !== undefined)).toEqual([]);
});

it('every case that plain ONNX Runtime passes still passes after all passes', () => {
  const passing = cases.flatMap(({ plain }, i) => (plain === 'PASS' ? [outcomes[i]] : []));
  expect(passing.length).toBe(1442);
  const failed = passing.filter((outcome) => outcome?.result !== 'right');
  expect(failed).toEqual([]);
});

it('no case computes anything else than before the passes', () => {
  expect(outcomes.filter(({ result }) => result === 'wrong')).toEqual([]);
});

it('no case is uncovered that is not listed, and none listed that is covered', () => {
  const uncovered = uncoveredOf(outcomes);
  console.log(describeUncovered(uncovered));
  expect(namesIn(uncovered)).toEqual(namesIn(listed()));
});
