import { invalid, scan, show, type Token } from './scan.ts';
import type { Expression, Order, Term, Word } from './syntax.ts';

const MAX_DEPTH = 32;
const ORDERS: ReadonlySet<string> = new Set<Order>(['<', '<=', '>', '>=']);

/**
 * Reads a selector. Grammar:
 *
 *     expression := term ('or' term)*          term := factor ('and' factor)*
 *     factor     := 'not' factor | '(' expression ')' | 'all' | '*' | 'has' key | comparison
 *     comparison := key ('=' | '!=' | '<' | '<=' | '>' | '>=') value
 *                 | key 'not'? 'in' '(' value (',' value)* ')'
 *
 * `*` in a value stands for any characters; a value with spaces or signs is put in quotes.
 *
 * @throws FlotillaError `selector.invalid` with the 1-based position
 */
export function parseSelector(source: string): Expression {
  return new Parser(source).parse();
}

class Parser {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
    this.#tokens = scan(source);
  }

  parse(): Expression {
    const expression = this.#expression();
    const rest = this.#peek();
    if (rest.kind !== 'end') this.#fail(rest.at, `expected 'and', 'or' or the end${found(rest)}`);
    return expression;
  }

  #expression(): Expression {
    const of = [this.#term()];
    while (this.#take('word', 'or')) of.push(this.#term());
    return of.length === 1 ? of[0]! : { kind: 'or', of };
  }

  #term(): Expression {
    const of = [this.#factor()];
    while (this.#take('word', 'and')) of.push(this.#factor());
    return of.length === 1 ? of[0]! : { kind: 'and', of };
  }

  #factor(): Expression {
    const token = this.#peek();
    if (++this.#depth > MAX_DEPTH) this.#fail(token.at, `nested deeper than ${MAX_DEPTH}`);
    const expression = this.#unnested();
    this.#depth--;
    return expression;
  }

  #unnested(): Expression {
    if (this.#take('word', 'not')) return { kind: 'not', of: this.#factor() };
    if (this.#take('sign', '(')) {
      const inner = this.#expression();
      this.#expect(')');
      return inner;
    }
    if (this.#take('word', 'all') || this.#take('value', '*')) return { kind: 'all' };
    return this.#takeHas() ? { kind: 'has', key: this.#value('a key') } : this.#comparison();
  }

  /** `has` is a key like any other where no key follows. */
  #takeHas(): boolean {
    const follows = this.#tokens[this.#next + 1]?.kind === 'value';
    if (!follows || this.#peek().kind !== 'value') return false;
    if (this.#peek().text.toLowerCase() !== 'has') return false;
    this.#next++;
    return true;
  }

  #comparison(): Term {
    const key = this.#value("a key, 'has', 'not', 'all' or '('");
    const sign = this.#peek();
    if (sign.kind === 'sign' && ORDERS.has(sign.text)) {
      this.#next++;
      const order = { text: sign.text as Order, at: sign.at };
      return { kind: 'order', key, order, value: this.#value('a value') };
    }
    for (const text of ['=', '!=']) {
      if (!this.#take('sign', text)) continue;
      return { kind: 'match', key, negated: text === '!=', values: [this.#value('a value')] };
    }
    const negated = this.#take('word', 'not');
    if (this.#take('word', 'in')) return { kind: 'match', key, negated, values: this.#list() };
    const { at } = this.#peek();
    if (negated) this.#fail(at, `expected 'in' after 'not'${found(this.#peek())}`);
    return this.#fail(at, `expected '=', '!=', '<', '>' or 'in' after ${key.text}${found(sign)}`);
  }

  #list(): Word[] {
    this.#expect('(');
    const values = [this.#value('a value')];
    while (this.#take('sign', ',')) values.push(this.#value('a value'));
    this.#expect(')');
    return values;
  }

  #peek(): Token {
    return this.#tokens[this.#next]!;
  }

  #take(kind: Token['kind'], text: string): boolean {
    const token = this.#peek();
    if (token.kind !== kind || token.text !== text) return false;
    this.#next++;
    return true;
  }

  #expect(sign: string): void {
    const token = this.#peek();
    if (!this.#take('sign', sign)) this.#fail(token.at, `expected '${sign}'${found(token)}`);
  }

  #value(what: string): Word {
    const { kind, text, at } = this.#peek();
    const hint = kind === 'word' ? ', which in quotes is text' : '';
    if (kind !== 'value') this.#fail(at, `expected ${what}${found(this.#peek())}${hint}`);
    this.#next++;
    return { text, at };
  }

  #fail(at: number, reason: string): never {
    throw invalid(this.#source, at, reason);
  }
}

const found = ({ kind, text }: Token): string =>
  kind === 'end' ? ', but it ends there' : `, found ${show(text)}`;
