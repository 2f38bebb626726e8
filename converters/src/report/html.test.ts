import { describe, expect, it } from 'vitest';
import { exampleResult } from '../testing/example-result.ts';
import { renderReport } from './html.ts';

describe('the report as a page', () => {
  const page = renderReport(exampleResult());

  it('is whole in itself', () => {
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).not.toMatch(/<script|<link|<img|url\(|https?:/);
    expect(page).toContain("default-src 'none'");
  });

  it('tells every part of the result', () => {
    for (const text of [
      'int8 percentile, equalized was chosen',
      'norm_4: its input has other consumers',
      '/head/boxes/Conv',
      'light = dim',
      'seen 0 to 14, uint8 reaches 0 to 6',
      'it interpolates',
      '&quot;rounding&quot;: &quot;nearest&quot;',
      '95.0 % → 94.5 %',
      '3 of 200 rows',
    ]) {
      expect(page).toContain(text);
    }
  });

  it('has no figure that is none', () => {
    expect(page).not.toMatch(/NaN|Infinity|undefined|\[object/);
  });

  it('shows names from a model as text, whatever they hold', () => {
    const hostile = '<script>alert(1)</script>"\'&\u202e';
    const { variants, ...rest } = exampleResult();
    const [first] = variants;
    const sqnr = [{ node: hostile, db: Number.NaN }];
    const changed = { ...rest, model: hostile, variants: first ? [{ ...first, sqnr }] : [] };
    const shown = renderReport(changed);
    expect(shown).not.toContain('<script>');
    expect(shown).not.toContain('\u202e');
    expect(shown).toContain('&lt;script&gt;');
    expect(shown).not.toMatch(/NaN|Infinity/);
  });

  it('counts operators whatever they are called', () => {
    const { graph, ...rest } = exampleResult();
    const ops = Object.fromEntries([...Object.entries(graph.before.ops), ['constructor', 2]]);
    const before = { ...graph.before, ops };
    const shown = renderReport({ ...rest, graph: { ...graph, before } });
    expect(shown).toMatch(/<td>constructor<.td><td class="n">2<.td><td class="n">0<.td>/);
  });

  it('is the same each time', () => {
    expect(renderReport(exampleResult())).toBe(page);
  });

  it('stands with nothing tried and nothing made', () => {
    const empty = { ...exampleResult(), searches: [], variants: [], warnings: [] };
    expect(renderReport(empty)).toContain('Variants');
  });
});
