import type { ConvertResult, VariantReport } from '../result.ts';
import { html, type Markup } from './markup.ts';
import { fileName } from './numbers.ts';

/** What made a variant, as far as the result tells; the whole recipe is a file of its own. */
export function recipeSection(variant: VariantReport, result: ConvertResult): Markup {
  const { target, scheme } = variant;
  const { source, graph, data } = result;
  const passes = graph.passes.map(({ pass }) => pass);
  const known = { target, source: { digest: source.digest }, passes, data, scheme };
  return html`<details><summary>Recipe</summary><p class="soft">${whereabouts(variant)}</p>
<pre>${JSON.stringify(known, null, 2)}</pre></details>`;
}

function whereabouts({ recipeFile }: VariantReport): Markup {
  if (recipeFile === null) {
    return html`What this report knows of it: no recipe file was written, since no bundle was.`;
  }
  return html`What this report knows of it. The whole recipe, with the seed and the drawn samples, is <code>${fileName(recipeFile)}</code> beside the bundle; <code>--recipe</code> takes it to make the variant again.`;
}
