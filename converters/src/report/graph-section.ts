import type { ConvertResult, GraphSize, VariantReport } from '../result.ts';
import { html, type Markup } from './markup.ts';
import { byteCount, count } from './numbers.ts';

type Graphs = ConvertResult['graph'];
type Pass = Graphs['passes'][number];

/** The model before and after the passes and in each variant, and what each pass did. */
export function graphSection(
  { before, after, passes }: Graphs,
  variants: readonly VariantReport[],
): Markup {
  const idle = passes.filter(isIdle).map(({ pass }) => html`<code>${pass}</code>`);
  return html`${sizes(before, after, variants)}${operators(before, after)}
<h3>Passes</h3>${passes.filter((pass) => !isIdle(pass)).map(passDetails)}
${idle.length > 0 && html`<p class="soft list">No change: ${idle.map((pass, i) => [i > 0 && ', ', pass])}</p>`}`;
}

function sizes(before: GraphSize, after: GraphSize, variants: readonly VariantReport[]): Markup {
  const row = (name: string, { nodes, parameters, bytes }: GraphSize) =>
    html`<tr><td>${name}</td><td class="n">${count(nodes)}</td><td class="n">${count(parameters)}</td><td class="n">${byteCount(bytes)}</td></tr>`;
  return html`<div class="wide"><table><tr><th></th><th class="n">nodes</th><th class="n">parameters</th><th class="n">file</th></tr>
${row('as it came', before)}${row('after the passes', after)}
${variants.map(({ target, precision, graph }) => row(`${target}, ${precision}`, graph))}</table></div>`;
}

function operators(before: GraphSize, after: GraphSize): Markup {
  const names = [...new Set([...Object.keys(before.ops), ...Object.keys(after.ops)])].sort();
  const rows = names.map((name) => {
    const [old, now] = [countOf(before, name), countOf(after, name)];
    const change = now === old ? '' : `${now > old ? '+' : '−'}${Math.abs(now - old)}`;
    return html`<tr><td>${name}</td><td class="n">${old}</td><td class="n">${now}</td><td class="n">${change}</td></tr>`;
  });
  return html`<details><summary>${names.length} operators</summary>
<table><tr><th></th><th class="n">as it came</th><th class="n">after the passes</th><th></th></tr>${rows}</table></details>`;
}

/** An operator may be named like what every object has. */
function countOf({ ops }: GraphSize, name: string): number {
  return Object.hasOwn(ops, name) ? (ops[name] ?? 0) : 0;
}

function isIdle({ changed, did, declined, notes }: Pass): boolean {
  return changed + did.length + declined.length + notes.length === 0;
}

function passDetails({ pass, changed, did, declined, notes }: Pass): Markup {
  const outcome = changed === 0 ? 'no change' : `${count(changed)} changed`;
  const refused = declined.length === 0 ? '' : `, ${declined.length} declined`;
  if (did.length + declined.length + notes.length === 0) {
    return html`<div class="soft"><code>${pass}</code>: ${outcome}</div>`;
  }
  return html`<details><summary><code>${pass}</code>: ${outcome}${refused}</summary>
${lines('Done', did)}${lines('Declined', declined)}${lines('Notes', notes)}</details>`;
}

function lines(title: string, texts: readonly string[]): Markup | undefined {
  if (texts.length === 0) return undefined;
  return html`<h3>${title}</h3><ul>${texts.map((text) => html`<li>${text}</li>`)}</ul>`;
}
