import type { ConvertResult, GraphSize } from '../result.ts';
import { html, type Markup } from './markup.ts';
import { byteCount, count } from './numbers.ts';

type Graphs = ConvertResult['graph'];
type Pass = Graphs['passes'][number];

/** The model before and after the passes, and what each pass did. */
export function graphSection({ before, after, passes }: Graphs): Markup {
  return html`<div class="two"><div>${sizes(before, after)}</div><div>${operators(before, after)}</div></div>
<h3>Passes</h3>${passes.map(passDetails)}`;
}

function sizes(before: GraphSize, after: GraphSize): Markup {
  const row = (name: string, of: (size: GraphSize) => string) =>
    html`<tr><td>${name}</td><td class="n">${of(before)}</td><td class="n">${of(after)}</td></tr>`;
  return html`<table><tr><th></th><th class="n">before</th><th class="n">after the passes</th></tr>
${row('nodes', ({ nodes }) => count(nodes))}
${row('parameters', ({ parameters }) => count(parameters))}
${row('file', ({ bytes }) => byteCount(bytes))}</table>`;
}

function operators(before: GraphSize, after: GraphSize): Markup {
  const names = [...new Set([...Object.keys(before.ops), ...Object.keys(after.ops)])].sort();
  const rows = names.map((name) => {
    const [old, now] = [countOf(before, name), countOf(after, name)];
    const change = now === old ? '' : `${now > old ? '+' : '−'}${Math.abs(now - old)}`;
    return html`<tr><td>${name}</td><td class="n">${old}</td><td class="n">${now}</td><td class="n">${change}</td></tr>`;
  });
  return html`<details><summary>${names.length} operators</summary>
<table><tr><th></th><th class="n">before</th><th class="n">after</th><th></th></tr>${rows}</table></details>`;
}

/** An operator may be named like what every object has. */
function countOf({ ops }: GraphSize, name: string): number {
  return Object.hasOwn(ops, name) ? (ops[name] ?? 0) : 0;
}

function passDetails({ pass, changed, did, declined, notes }: Pass): Markup {
  const outcome = changed === 0 ? 'nothing to do' : `${count(changed)} changed`;
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
