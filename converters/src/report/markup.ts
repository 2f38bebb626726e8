/** Text that is markup already. Everything else is escaped when it is put into a page. */
export interface Markup {
  readonly markup: string;
}

type Part = Markup | string | number | undefined | false | readonly Part[];

/**
 * Tag of template literals that make HTML or SVG: names from models are anybody's, so whatever is
 * filled in is escaped unless this tag made it.
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const texts = strings.map((text, i) => text + (i < parts.length ? render(parts[i]) : ''));
  return { markup: texts.join('') };
}

function render(part: Part): string {
  if (part === undefined || part === false) return '';
  if (typeof part === 'number') return `${part}`;
  if (typeof part === 'string') return escaped(part);
  return 'markup' in part ? part.markup : part.map(render).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Control characters have no place in HTML, and bidirectional marks would reorder what is read. */
function escaped(text: string): string {
  return text
    .replace(/(?!\n)[\p{Cc}\p{Cf}]/gu, '\u{FFFD}')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
