import { BY_INTERVAL } from '@flotilla/model';
import type { Accuracy, ConvertResult, Latency, VariantReport } from '../result.ts';
import { type Bar, barChart } from './bar-chart.ts';
import { html, type Markup } from './markup.ts';
import { noteList } from './note-list.ts';
import { byteCount, count, fileName, milliseconds, percent, points, short } from './numbers.ts';
import { rangeChart } from './range-chart.ts';
import { recipeSection } from './recipe-section.ts';
import { badge, toneOf } from './search-section.ts';

/** Longer charts are cut off: the rest is in the JSON report. */
const MOST_ROWS = 60;

/** One row for each variant. */
export function variantsTable(variants: readonly VariantReport[]): Markup {
  return html`<div class="wide"><table><tr><th>target</th><th>precision</th><th class="n">size</th><th class="n">accuracy</th>
<th class="n">lost, won</th><th class="n">agreement</th><th class="n">KL</th><th class="n">latency</th><th class="n">× fp32</th><th></th></tr>
${variants.map(variantRow)}</table></div>`;
}

function variantRow({
  target,
  precision,
  bytes,
  accuracy,
  latencyMs,
  file,
}: VariantReport): Markup {
  const { metric, fp32, variant, lost, won, agreement, kl } = accuracy;
  const figures = metric === 'top1' ? `${percent(fp32)} → ${percent(variant)}` : 'no labels';
  return html`<tr><td>${target}</td><td>${precision}</td><td class="n">${byteCount(bytes)}</td><td class="n">${figures}</td>
<td class="n">${lost}, ${won}</td><td class="n">${percent(agreement)}</td><td class="n">${short(kl)}</td>
<td class="n">${latencyText(latencyMs)}</td><td class="n">${(latencyMs.variant / latencyMs.fp32).toFixed(2)}</td>
<td>${budgetBadge(accuracy)}${file === null && badge('fair', 'not written')}</td></tr>`;
}

function budgetBadge({ passed, judged }: Accuracy): Markup {
  if (!passed) return badge('poor', 'outside budget');
  return judged.startsWith(BY_INTERVAL)
    ? badge('fair', 'within chance of the budget')
    : badge('good', 'within budget');
}

function latencyText({ variant, estimated }: Latency): string {
  return `${milliseconds(variant)}${estimated ? ', estimated' : ''}`;
}

/** All that is known of one variant, folded away. */
export function variantSection(report: VariantReport, result: ConvertResult): Markup {
  const { target, precision, graph, accuracy, ranges, sqnr, skipped, warnings } = report;
  return html`<details><summary>${target}, ${precision}</summary>
<p>${accuracy.judged}. ${placeOf(report)}</p>${noteList(warnings)}
<p class="soft">${count(graph.nodes)} nodes, ${byteCount(graph.bytes)}, opset ${report.opset}, about ${byteCount(report.memoryBytes)} of memory${report.file !== null && html`<br>${fileName(report.file)}<br><code>${report.digest ?? ''}</code>`}</p>
${slices(accuracy)}
${sqnr.length > 0 && sqnrChart(sqnr)}
${
  ranges.length > 0 &&
  html`<details><summary>Ranges of ${ranges.length} activations</summary>
<p class="soft">The line is what calibration saw, the bar and its figures what the integers reach; what sticks out is cut off.${cut(ranges.length)}</p>${rangeChart(ranges.slice(0, MOST_ROWS))}</details>`
}
${
  skipped.length > 0 &&
  html`<details><summary>${skipped.length} ${skipped.length === 1 ? 'node' : 'nodes'} stayed in floating point</summary>
<ul>${skipped.map(({ node, reason }) => html`<li><code>${node}</code>: ${reason}</li>`)}</ul></details>`
}
${recipeSection(report, result)}</details>`;
}

function placeOf({ latencyMs: { measuredOn, estimated, variant, fp32 } }: VariantReport): string {
  const times = `${milliseconds(variant)} against ${milliseconds(fp32)} of fp32`;
  const { cpu, provider, threads } = measuredOn;
  const where = `${cpu}, ${provider}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  return estimated ? `Estimated for ${cpu}: ${times}.` : `Measured on ${where}: ${times}.`;
}

function slices({ slices: rows }: Accuracy): Markup | undefined {
  if (rows.length === 0) return undefined;
  return html`<h3>Accuracy by slice</h3><div class="wide"><table><tr><th>slice</th><th class="n">samples</th><th class="n">fp32</th>
<th class="n">variant</th><th class="n">lost, won</th><th class="n">net loss, points</th></tr>
${rows.map(
  ({ slice, value, samples, fp32, variant, lost, won }) => html`<tr><td>${slice} = ${value}</td>
<td class="n">${count(samples)}</td><td class="n">${percent(fp32)}</td><td class="n">${percent(variant)}</td>
<td class="n">${lost}, ${won}</td><td class="n">${points((lost - won) / Math.max(1, samples))}</td></tr>`,
)}</table></div>`;
}

function sqnrChart(sqnr: VariantReport['sqnr']): Markup {
  const bars = sqnr
    .slice(0, MOST_ROWS)
    .map(({ node, db }): Bar => ({ name: node, value: db, tone: toneOf(db) }));
  return html`<details><summary>Noise by node (SQNR)</summary>
<p class="soft">Signal to quantization noise by the time a node has run, noisiest first.${cut(sqnr.length)}</p>${barChart(bars, 'dB', 'SQNR by node')}</details>`;
}

function cut(length: number): string {
  return length > MOST_ROWS
    ? ` The first ${MOST_ROWS} of ${length}; all are in the JSON report.`
    : '';
}
