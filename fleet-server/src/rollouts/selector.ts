import { FlotillaError } from '@flotilla/protocol';
import { holds, type SelectableDevice, valuesOf } from './selector-match.ts';

export type { SelectableDevice } from './selector-match.ts';

export type Selector = (device: SelectableDevice) => boolean;

const MAX_LENGTH = 1000;
const MAX_DEPTH = 32;
const WORDS = new Set(['and', 'or', 'not', 'in', 'all']);

interface Token {
  readonly kind: 'value' | 'word' | 'sign' | 'end';
  readonly text: string;
  /** 1-based character of the source. */
  readonly at: number;
}

/**
 * Compiles a selector. Grammar:
 *
 *     expression := term ('or' term)*          term := factor ('and' factor)*
 *     factor     := 'not' factor | '(' expression ')' | 'all' | '*' | comparison
 *     comparison := key ('=' | '!=') value | key 'not'? 'in' '(' value (',' value)* ')'
 *
 * Keys: `id`, `name`, `target`, `online` (true, false), `version` (`model@n`, or `n` of any model),
 * else a tag; `tag.KEY` names a tag that has the name of a built-in key. `*` in a value stands for
 * any characters; a value with spaces or signs is put in quotes.
 *
 * @throws FlotillaError `selector.invalid` with the 1-based position
 */
export function parseSelector(source: string): Selector {
  return new Parser(source).parse();
}

class Parser {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
    if (source.length > MAX_LENGTH) this.#fail(MAX_LENGTH, `longer than ${MAX_LENGTH} characters`);
    this.#tokens = this.#scan();
  }

  parse(): Selector {
    const selector = this.#expression();
    const rest = this.#peek();
    if (rest.kind !== 'end') this.#fail(rest.at, `expected 'and', 'or' or the end${found(rest)}`);
    return selector;
  }

  #scan(): Token[] {
    const pattern = /\s*(?:(!=|[=(),])|"([^"]*)"|'([^']*)'|([\p{L}\p{N}._@:/*+-]+))/uy;
    const tokens: Token[] = [];
    const length = this.#source.trimEnd().length;
    while (pattern.lastIndex < length) {
      const from = pattern.lastIndex;
      const match = pattern.exec(this.#source);
      if (match === null) {
        const at = from + (/^\s*/.exec(this.#source.slice(from))?.[0].length ?? 0);
        this.#fail(at + 1, `unexpected ${JSON.stringify(this.#source.charAt(at))}`);
      }
      const [whole, sign, double, single, bare = ''] = match;
      const quoted = double ?? single;
      const at = from + whole.length - whole.trimStart().length + 1;
      if (sign !== undefined) tokens.push({ kind: 'sign', text: sign, at });
      else if (quoted !== undefined) tokens.push({ kind: 'value', text: quoted, at });
      else if (WORDS.has(bare.toLowerCase())) {
        tokens.push({ kind: 'word', text: bare.toLowerCase(), at });
      } else tokens.push({ kind: 'value', text: bare, at });
    }
    tokens.push({ kind: 'end', text: '', at: length + 1 });
    return tokens;
  }

  #expression(): Selector {
    const terms = [this.#term()];
    while (this.#take('word', 'or')) terms.push(this.#term());
    return terms.length === 1 ? terms[0]! : (device) => terms.some((term) => term(device));
  }

  #term(): Selector {
    const factors = [this.#factor()];
    while (this.#take('word', 'and')) factors.push(this.#factor());
    return factors.length === 1 ? factors[0]! : (device) => factors.every((one) => one(device));
  }

  #factor(): Selector {
    const token = this.#peek();
    if (++this.#depth > MAX_DEPTH) this.#fail(token.at, `nested deeper than ${MAX_DEPTH}`);
    const selector = this.#unnested();
    this.#depth--;
    return selector;
  }

  #unnested(): Selector {
    if (this.#take('word', 'not')) {
      const inner = this.#factor();
      return (device) => !inner(device);
    }
    if (this.#take('sign', '(')) {
      const inner = this.#expression();
      this.#expect(')');
      return inner;
    }
    if (this.#take('word', 'all') || this.#take('value', '*')) return () => true;
    return this.#comparison();
  }

  #comparison(): Selector {
    const key = this.#value("a key, 'not', 'all' or '('");
    const values = valuesOf(key.text);
    if (this.#take('sign', '=')) return holds(values, [this.#value('a value').text]);
    if (this.#take('sign', '!=')) return negate(holds(values, [this.#value('a value').text]));
    if (this.#take('word', 'not')) {
      if (!this.#take('word', 'in')) this.#fail(this.#peek().at, "expected 'in' after 'not'");
      return negate(holds(values, this.#list()));
    }
    if (this.#take('word', 'in')) return holds(values, this.#list());
    const token = this.#peek();
    return this.#fail(token.at, `expected '=', '!=' or 'in' after ${key.text}${found(token)}`);
  }

  #list(): string[] {
    this.#expect('(');
    const values = [this.#value('a value').text];
    while (this.#take('sign', ',')) values.push(this.#value('a value').text);
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

  #value(what: string): Token {
    const token = this.#peek();
    if (token.kind !== 'value') this.#fail(token.at, `expected ${what}${found(token)}`);
    this.#next++;
    return token;
  }

  #fail(at: number, reason: string): never {
    throw new FlotillaError('selector.invalid', {
      selector: this.#source.slice(0, 200),
      at,
      reason,
    });
  }
}

const found = (token: Token): string =>
  token.kind === 'end' ? ', but it ends there' : `, found ${JSON.stringify(token.text)}`;

const negate =
  (selector: Selector): Selector =>
  (device) =>
    !selector(device);
