/** A word of a selector and where it stands. */
export interface Word {
  readonly text: string;
  /** 1-based character of the source. */
  readonly at: number;
}

export type Order = '<' | '<=' | '>' | '>=';

/** A selector as it was read. */
export type Expression =
  | { readonly kind: 'all' }
  | { readonly kind: 'not'; readonly of: Expression }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Expression[] }
  | Term;

/** What is asked about one key. */
export type Term =
  | {
      readonly kind: 'match';
      readonly key: Word;
      /** True for `!=` and `not in`. */
      readonly negated: boolean;
      /** One for `=`, several for `in`. */
      readonly values: readonly Word[];
    }
  | {
      readonly kind: 'order';
      readonly key: Word;
      readonly order: Word & { readonly text: Order };
      readonly value: Word;
    }
  | { readonly kind: 'has'; readonly key: Word };

/** Every term of a selector, in the order of the source. */
export function termsOf(expression: Expression): Term[] {
  switch (expression.kind) {
    case 'all':
      return [];
    case 'not':
      return termsOf(expression.of);
    case 'and':
    case 'or':
      return expression.of.flatMap(termsOf);
    case 'match':
    case 'order':
    case 'has':
      return [expression];
  }
}

/** What a word may hold that stands without quotes. */
export const BARE = /^[\p{L}\p{N}._@:/*+-]+$/u;

/** Words that mean something of their own where they stand without quotes. */
export const RESERVED: ReadonlySet<string> = new Set(['and', 'or', 'not', 'in', 'all']);

/** A selector that reads as the same expression. */
export function printSelector(expression: Expression): string {
  switch (expression.kind) {
    case 'all':
      return 'all';
    case 'not':
      return `not ${printInner(expression.of, ['and', 'or'])}`;
    case 'and':
      return expression.of.map((inner) => printInner(inner, ['and', 'or'])).join(' and ');
    case 'or':
      return expression.of.map((inner) => printInner(inner, ['or'])).join(' or ');
    case 'match':
      return printMatch(expression);
    case 'order':
      return `${quoted(expression.key)} ${expression.order.text} ${quoted(expression.value)}`;
    case 'has':
      return `has ${quoted(expression.key)}`;
  }
}

function printInner(expression: Expression, loose: readonly Expression['kind'][]): string {
  const text = printSelector(expression);
  return loose.includes(expression.kind) ? `(${text})` : text;
}

function printMatch({ key, negated, values }: Extract<Term, { kind: 'match' }>): string {
  const [first] = values;
  if (first !== undefined && values.length === 1) {
    return `${quoted(key)}${negated ? '!=' : '='}${quoted(first)}`;
  }
  return `${quoted(key)} ${negated ? 'not in' : 'in'} (${values.map(quoted).join(', ')})`;
}

/** No word holds both kinds of quotes: each ends at the first of its own. */
function quoted({ text }: Word): string {
  const plain = BARE.test(text) && !RESERVED.has(text.toLowerCase()) && text !== '*';
  if (plain) return text;
  return text.includes('"') ? `'${text}'` : `"${text}"`;
}
