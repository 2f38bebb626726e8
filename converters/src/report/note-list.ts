import { html, type Markup } from './markup.ts';

/** Warnings and notes, which a reader should see before figures. */
export function noteList(notes: readonly string[]): Markup | undefined {
  if (notes.length === 0) return undefined;
  return html`<ul class="notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>`;
}
