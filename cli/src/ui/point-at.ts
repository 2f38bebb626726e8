import { printable } from './printable.ts';

const INDENT = '  ';
const USUAL = 80;

/** Where in a text that a person gave something is wrong. */
interface Place {
  readonly text: string;
  /** 1-based character. */
  readonly at: number;
}

/** The text with a caret under the place, cut to what a line of the terminal holds around it. */
export function pointAt({ text, at }: Place, columns = USUAL): string {
  const characters = [...printable(text.replaceAll(/[\r\n\t]/g, ' '))];
  const before = [...printable(text.slice(0, at - 1).replaceAll(/[\r\n\t]/g, ' '))].length;
  const room = Math.max(20, columns - INDENT.length - 1);
  const from = Math.max(0, Math.min(before - Math.floor(room / 2), characters.length - room));
  const shown = characters.slice(from, from + room).join('');
  return `${INDENT}${shown}\n${INDENT}${' '.repeat(before - from)}^`;
}
