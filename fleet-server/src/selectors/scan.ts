import { FlotillaError } from '@flotilla/protocol';
import { RESERVED, type Word } from './syntax.ts';

export interface Token extends Word {
  readonly kind: 'value' | 'word' | 'sign' | 'end';
}

const MAX_LENGTH = 1000;

/** Each alternative begins with another character, so that no text is read twice. */
const TOKEN = /\s*(?:(!=|<=|>=|[=<>(),])|"([^"]*)"|'([^']*)'|([\p{L}\p{N}._@:/*+-]+))/uy;

/**
 * The words and signs of a selector, with an `end` after the last.
 *
 * @throws FlotillaError `selector.invalid`
 */
export function scan(source: string): Token[] {
  if (source.length > MAX_LENGTH) {
    throw invalid(source, MAX_LENGTH, `longer than ${MAX_LENGTH} characters`);
  }
  const pattern = new RegExp(TOKEN);
  const tokens: Token[] = [];
  const length = source.trimEnd().length;
  while (pattern.lastIndex < length) {
    const from = pattern.lastIndex;
    const match = pattern.exec(source);
    if (match === null) throw unexpected(source, from);
    tokens.push(tokenOf(match, from));
  }
  tokens.push({ kind: 'end', text: '', at: length + 1 });
  return tokens;
}

function tokenOf(match: RegExpExecArray, from: number): Token {
  const [whole, sign, double, single, bare = ''] = match;
  const at = from + whole.length - whole.trimStart().length + 1;
  if (sign !== undefined) return { kind: 'sign', text: sign, at };
  const quoted = double ?? single;
  if (quoted !== undefined) return { kind: 'value', text: quoted, at };
  const lower = bare.toLowerCase();
  return RESERVED.has(lower)
    ? { kind: 'word', text: lower, at }
    : { kind: 'value', text: bare, at };
}

function unexpected(source: string, from: number): FlotillaError {
  const rest = source.slice(from).trimStart();
  const sign = [...rest][0] ?? '';
  const closes = sign === '"' || sign === "'" ? `, which nothing closes` : '';
  return invalid(source, source.length - rest.length + 1, `unexpected ${show(sign)}${closes}`);
}

export const show = (text: string): string => JSON.stringify(text);

/** What is wrong with a selector, and where: `at` is a 1-based character of it. */
export const invalid = (selector: string, at: number, reason: string): FlotillaError =>
  new FlotillaError('selector.invalid', { selector: selector.slice(0, MAX_LENGTH), at, reason });
