import { describe, expect, it } from 'vitest';
import { exampleResult } from '../../../converters/src/testing/example-result.ts';
import { summarize } from './summary.ts';

/** Sentences are left to the terminal. */
const inTable = (line: string): boolean => /^[─●○✗]| {2}/.test(line);

describe('the summary of an optimization', () => {
  it('tells what was tried, made and to be looked at', () => {
    const text = summarize(exampleResult(), 'out/report.html', Number.POSITIVE_INFINITY);
    expect(text).toMatch(/^parts 3: 33 → 22 nodes, 417\.8 KB → 409\.1 KB; samples: 66 calibrated/);
    expect(text).toMatch(/^● +int8 percentile, equalized/m);
    expect(text).toMatch(/^○ +fp32/m);
    expect(text).toMatch(/^✗ +int8 min-max/m);
    expect(text).toContain('! 3 of 200 rows of labels.csv name no file');
    expect(text.split('\n').at(-1)).toBe('report: out/report.html');
    expect(text).not.toMatch(/NaN|undefined/);
  });

  it('has tables that fit a terminal', () => {
    const tables = summarize(exampleResult(), 'r.html', 80).split('\n').filter(inTable);
    expect(tables.length).toBeGreaterThan(8);
    expect(Math.max(...tables.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('shows the candidates that count where there are many, in the order they were tried', () => {
    const result = exampleResult();
    const [search] = result.searches;
    const [first, outside, chosen] = search!.candidates;
    const poor = Array.from({ length: 20 }, (_, i) => ({ ...outside!, name: `poor ${i}` }));
    const candidates = [...poor, chosen!, first!];
    const text = summarize({ ...result, searches: [{ ...search!, candidates }] }, 'r.html', 80);
    expect(text).toContain('10 more in the report');
    const shown = [...text.matchAll(/^[●○✗] +(poor \d+|int8 \w+|fp32)/gm)].map(([, name]) => name);
    expect(shown).toHaveLength(12);
    expect(shown.slice(0, 2)).toEqual(['poor 0', 'poor 1']);
    expect(shown.slice(-2)).toEqual(['int8 percentile', 'fp32']);
  });
});
