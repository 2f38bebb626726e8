import type { Dim } from '../ir/graph.ts';

/**
 * Arithmetic on sizes that are known only at run time. A size is a number, null where nothing is
 * known, or a string: a symbol of the file, or a sum of products of symbols in one canonical
 * spelling (`2*batch + -1`, `floor((rows + 1)/2)`), so that equal spelling means equal sizes.
 */

/** Coefficient by product of symbols; the product of none is ''. */
type Terms = ReadonlyMap<string, number>;

/** Beyond this a size is called unknown: sums of products grow with every node of a hostile graph. */
const MAX_TERMS = 12;
const MAX_LENGTH = 200;

/** Products of a file's symbol names are read as such; anything that is no name says nothing. */
export function isSymbol(name: string): boolean {
  return name.length <= MAX_LENGTH && /[A-Za-z_]/.test(name) && /^[\w .*+()/:-]+$/.test(name);
}

export function add(a: Dim, b: Dim): Dim {
  if (a === null || b === null) return null;
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  const sum = new Map(termsOf(a));
  for (const [symbols, factor] of termsOf(b)) sum.set(symbols, (sum.get(symbols) ?? 0) + factor);
  return spell(sum);
}

export function subtract(a: Dim, b: Dim): Dim {
  return add(a, multiply(b, -1));
}

export function multiply(a: Dim, b: Dim): Dim {
  if (a === null || b === null) return null;
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  const [left, right] = [termsOf(a), termsOf(b)];
  if (left.size * right.size > MAX_TERMS) return null;
  const product = new Map<string, number>();
  for (const [x, n] of left) {
    for (const [y, m] of right) {
      const symbols = [...factorsOf(x), ...factorsOf(y)].sort().join('*');
      product.set(symbols, (product.get(symbols) ?? 0) + n * m);
    }
  }
  return spell(product);
}

export function product(dims: readonly Dim[]): Dim {
  return dims.reduce<Dim>(multiply, 1);
}

/** a / b rounded down; b must be a positive number where a is not one. */
export function floorDivide(a: Dim, b: Dim): Dim {
  if (a === null || b === null || b === 0) return null;
  if (typeof a === 'number' && typeof b === 'number') return Math.floor(a / b);
  if (a === b) return 1;
  if (typeof b !== 'number' || b < 0 || !Number.isInteger(b)) return null;
  if (b === 1) return a;
  const [whole, rest] = [new Map<string, number>(), new Map<string, number>()];
  for (const [symbols, factor] of termsOf(a)) {
    if (symbols === '') {
      const quotient = Math.floor(factor / b);
      whole.set('', quotient);
      rest.set('', factor - quotient * b);
    } else if (factor % b === 0) whole.set(symbols, factor / b);
    else rest.set(symbols, factor);
  }
  const remainder = spell(rest);
  if (remainder === null) return null;
  if (typeof remainder === 'number') return spell(whole);
  return add(spell(whole), short(`floor((${remainder})/${b})`));
}

export function ceilDivide(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return b === 0 ? null : Math.ceil(a / b);
  return floorDivide(add(a, subtract(b, 1)), b);
}

/** The quotient of two products of sizes, which is known to be whole; null where it cannot be told. */
export function divideProducts(dividend: readonly Dim[], divisor: readonly Dim[]): Dim {
  const rest = [...dividend];
  const open: Dim[] = [];
  for (const dim of divisor) {
    const position = typeof dim === 'string' ? rest.indexOf(dim) : -1;
    if (position < 0) open.push(dim);
    else rest.splice(position, 1);
  }
  const [above, below] = [product(rest), product(open)];
  if (above === null || below === null || below === 0) return null;
  if (typeof below === 'number') {
    if (typeof above === 'number') return above % below === 0 ? above / below : null;
    return floorDivide(above, below);
  }
  return divideMonomials(above, below);
}

function divideMonomials(above: Dim, below: string): Dim {
  const [[symbols, factor], ...more] = [...termsOf(below)] as [[string, number]];
  if (more.length > 0 || typeof above !== 'string') return null;
  const quotient = new Map<string, number>();
  for (const [product, coefficient] of termsOf(above)) {
    const rest = [...factorsOf(product)];
    for (const symbol of factorsOf(symbols)) {
      const position = rest.indexOf(symbol);
      if (position < 0) return null;
      rest.splice(position, 1);
    }
    if (coefficient % factor !== 0) return null;
    quotient.set(rest.join('*'), coefficient / factor);
  }
  return spell(quotient);
}

/** A number that a size is never below; a symbol may stand for 0. */
export function lowerBound(dim: Dim): number {
  if (dim === null) return Number.NEGATIVE_INFINITY;
  const terms = termsOf(dim);
  const falls = [...terms].some(([symbols, factor]) => symbols !== '' && factor < 0);
  return falls ? Number.NEGATIVE_INFINITY : (terms.get('') ?? 0);
}

/** A size out of what a rule or a file says: whole and not negative, or unknown. */
export function asSize(dim: Dim | undefined): Dim {
  if (typeof dim !== 'number') return dim ?? null;
  return Number.isSafeInteger(dim) && dim >= 0 ? dim : null;
}

function termsOf(dim: number | string): Terms {
  if (typeof dim === 'number') return new Map([['', dim]]);
  const terms = new Map<string, number>();
  for (const term of splitOutside(dim, ' + ')) {
    const parts = splitOutside(term, '*');
    const factor = /^-?\d+$/.test(parts[0]!) ? Number(parts.shift()) : 1;
    const symbols = parts.sort().join('*');
    terms.set(symbols, (terms.get(symbols) ?? 0) + factor);
  }
  return terms;
}

function factorsOf(symbols: string): string[] {
  return symbols === '' ? [] : splitOutside(symbols, '*');
}

/** Parts of a text between separators that stand in no parentheses. */
function splitOutside(text: string, separator: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')') depth--;
    else if (depth === 0 && text.startsWith(separator, i)) {
      parts.push(text.slice(start, i));
      i += separator.length - 1;
      start = i + 1;
    }
  }
  return [...parts, text.slice(start)];
}

function spell(terms: Terms): Dim {
  const present = [...terms].filter(([, factor]) => factor !== 0);
  if (present.some(([, factor]) => !Number.isSafeInteger(factor))) return null;
  if (present.length === 0) return 0;
  if (present.length === 1 && present[0]![0] === '') return present[0]![1];
  if (present.length > MAX_TERMS) return null;
  const sorted = present.sort(([a], [b]) => (a === '' ? 1 : b === '' ? -1 : a < b ? -1 : 1));
  return short(sorted.map(spellTerm).join(' + '));
}

function spellTerm([symbols, factor]: readonly [string, number]): string {
  if (symbols === '') return String(factor);
  return factor === 1 ? symbols : `${factor}*${symbols}`;
}

function short(text: string): Dim {
  return text.length <= MAX_LENGTH ? text : null;
}
