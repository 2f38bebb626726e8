import type { ConvertResult } from '../result.ts';
import { graphSection } from './graph-section.ts';
import { html, type Markup } from './markup.ts';
import { noteList } from './note-list.ts';
import { byteCount, count, fileName } from './numbers.ts';
import { searchSection } from './search-section.ts';
import { STYLE } from './style.ts';
import { variantSection, variantsTable } from './variant-section.ts';

/**
 * The result as one page that needs nothing else: no script, no font, no picture from anywhere. The
 * same result gives the same bytes.
 */
export function renderReport(result: ConvertResult): string {
  const { model, version, searches, variants } = result;
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${model} ${version}: optimization report</title><style>${{ markup: STYLE }}</style></head><body>
<header><h1>${model} <span class="soft">version ${version}</span></h1>${about(result)}</header>
${noteList([...result.warnings, ...result.notes])}
<main><h2>Variants</h2>${variantsTable(variants)}
${searches.map(searchSection)}
<h2>Graph</h2>${graphSection(result.graph, variants)}
<h2>Details of each variant</h2>${variants.map((variant) => variantSection(variant, result))}</main></body></html>
`;
  return page.markup;
}

function about({ source, data }: ConvertResult): Markup {
  const kinds = [
    `${count(data.calibration)} ${data.synthetic ? 'synthetic ' : ''}samples calibrated`,
    `${count(data.choice)} chose between settings`,
    `${count(data.evaluation)} judged the outcome`,
  ];
  return html`<p class="soft">${fileName(source.file)}, ${byteCount(source.bytes)}, opset ${source.opset}<br>
<code>${source.digest}</code><br>${kinds.join(', ')}; no sample is of two kinds.</p>`;
}
