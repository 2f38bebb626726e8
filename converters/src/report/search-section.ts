import type { Candidate, NodeSensitivity, TargetSearch } from '../result.ts';
import { type Bar, barChart } from './bar-chart.ts';
import { html, type Markup } from './markup.ts';
import { byteCount, milliseconds, percent, points, short } from './numbers.ts';
import { type Point, scatter } from './scatter.ts';

/** Bars beyond this many say nothing more: the nodes come worst first. */
const MOST_BARS = 30;

/** What was tried for one target, drawn as a front and told as a table. */
export function searchSection({ target, candidates, sensitivity, verdict }: TargetSearch): Markup {
  return html`<h2>Search for ${target}</h2><p>${verdict}</p>
${candidates.length > 1 && pareto(candidates)}
<div class="wide">${table(candidates)}</div>
${sensitivity.length > 0 && sensitivityChart(sensitivity)}`;
}

function pareto(candidates: readonly Candidate[]): Markup {
  const largest = Math.max(...candidates.map(({ bytes }) => bytes));
  const marks = candidates.map((candidate, i) => pointOf(candidate, i + 1, largest));
  const estimated = candidates.some(({ latencyMs }) => latencyMs.estimated);
  const x = `latency of one run, ms${estimated ? ' (estimated)' : ''}`;
  return html`<h3>Accuracy, latency and size</h3>${scatter(marks, { x, y: 'distance of the outputs from fp32' })}
<p class="key soft">${KINDS.map(([color, text]) => html`<span><i style="background:var(--${color})"></i>${text}</span>`)} The area of a mark is the size of the file; the distance is the mean KL divergence of a classifier's answers in nats, for other outputs noise over signal. Numbers are those of the table; what is left and low is better.</p>`;
}

const KINDS = [
  ['good', 'chosen'],
  ['plain', 'on the front'],
  ['soft', 'within the budget'],
  ['poor', 'outside the budget'],
] as const;

function pointOf(candidate: Candidate, number: number, largest: number): Point {
  const { name, divergence: y, latencyMs, bytes } = candidate;
  return { number, name, x: latencyMs.variant, y, size: bytes / largest, kind: kindOf(candidate) };
}

function kindOf({ chosen, onFront, withinBudget }: Candidate): Point['kind'] {
  if (chosen) return 'chosen';
  if (!withinBudget) return 'outside';
  return onFront ? 'front' : 'within';
}

function table(candidates: readonly Candidate[]): Markup {
  return html`<table><tr><th class="n">no.</th><th>candidate</th><th class="n">lost, won</th><th class="n">net loss, points</th>
<th class="n">agreement</th><th class="n">KL</th><th class="n">latency</th><th class="n">× fp32</th><th class="n">size</th><th></th></tr>
${candidates.map((candidate, i) => row(candidate, i + 1))}</table>`;
}

function row(candidate: Candidate, number: number): Markup {
  const { name, quality, latencyMs, bytes, chosen, onFront, withinBudget } = candidate;
  const { lost, won, samples, agreement, kl } = quality;
  const words = [
    chosen ? badge('good', 'chosen') : onFront && badge('fair', 'front'),
    !withinBudget && badge('poor', 'outside'),
  ];
  return html`<tr class="${chosen ? 'chosen' : ''}"><td class="n">${number}</td><td>${name}</td><td class="n">${lost}, ${won}</td>
<td class="n">${points((lost - won) / Math.max(1, samples))}</td><td class="n">${percent(agreement)}</td>
<td class="n">${short(kl)}</td><td class="n">${milliseconds(latencyMs.variant)}</td>
<td class="n">${(latencyMs.variant / latencyMs.fp32).toFixed(2)}</td><td class="n">${byteCount(bytes)}</td><td>${words}</td></tr>`;
}

export function badge(tone: 'good' | 'fair' | 'poor', text: string): Markup {
  return html`<span class="badge ${tone}">${text}</span> `;
}

function sensitivityChart(sensitivity: readonly NodeSensitivity[]): Markup {
  const bars = sensitivity.slice(0, MOST_BARS).map(({ node, op, db }): Bar => {
    return { name: `${node} (${op})`, value: db, tone: toneOf(db) };
  });
  const rest = sensitivity.length - bars.length;
  return html`<details><summary>Sensitivity by node (${sensitivity.length})</summary>
<p class="soft">Signal to noise of the outputs when this node alone runs in int8, worst first${rest > 0 && `; ${rest} better ones are left out`}.</p>
${barChart(bars, 'dB', 'Sensitivity by node')}</details>`;
}

/** An output keeps its meaning from about 20 dB on; at 30 dB noise is a thirtieth of the amplitude. */
export function toneOf(db: number): Bar['tone'] {
  if (db < 10) return 'poor';
  return db < 20 ? 'fair' : 'good';
}
