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

  it('numbers the marks as the table does', () => {
    const { searches } = exampleResult();
    for (const [i, { name }] of (searches[0]?.candidates ?? []).entries()) {
      expect(page).toContain(`<td class="n">${i + 1}</td><td>${name}</td>`);
      expect(page).toContain(`class="number">${i + 1}</text>`);
      expect(page).toContain(`<title>${i + 1}, ${name}: `);
    }
  });

  it('says what the lowest line and the axes hold', () => {
    expect(page).toContain('≤ 1e-7');
    expect(page).toContain('latency of one run, ms');
    expect(page).toContain('logarithmic scale');
    expect(page).toContain('class="figure">-120 to 30500</text>');
  });

  it('shows no smaller values where there are none', () => {
    const { searches, ...rest } = exampleResult();
    const lossy = searches.map(({ candidates, ...search }) => {
      const some = candidates.map((candidate) => ({ ...candidate, divergence: 0.003 }));
      return { ...search, candidates: some };
    });
    expect(renderReport({ ...rest, searches: lossy })).not.toContain('≤');
  });

  it('has one line for all passes without a change', () => {
    expect(page).toContain('No change: <code>gelu</code>, <code>attention</code>');
    expect(page).toContain('<code>conv-batchnorm</code>: no change, 1 declined');
  });

  it('shows the graph of each variant beside that of the model', () => {
    expect(page).toMatch(/<td>after the passes<.td><td class="n">22</);
    expect(page).toMatch(/<td>x86-64, int8<.td><td class="n">60<.td>.*133\.0 KB/);
  });

  it('names the recipe file without its folder, where there is one', () => {
    expect(page).toContain('<code>parts-3-x86-64-int8-recipe.json</code>');
    expect(page).not.toContain('out/');
    const { variants, ...rest } = exampleResult();
    const unwritten = variants.map((variant) => ({ ...variant, file: null, recipeFile: null }));
    expect(renderReport({ ...rest, variants: unwritten })).toContain('no recipe file was written');
  });

  it('opens what is folded away when it is printed', () => {
    expect(page).toMatch(/@media print \{[^@]*details::details-content/);
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
