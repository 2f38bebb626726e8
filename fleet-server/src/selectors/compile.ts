import { GROUP, type Key, keyOf } from './keys.ts';
import { compareVersions, readNumber, readSize, readTime, readVersion } from './literals.ts';
import { toPattern } from './match.ts';
import { invalid, show } from './scan.ts';
import { type Expression, type Order, type Term, termsOf, type Word } from './syntax.ts';
import type { DeviceView, JsonColumn } from './view.ts';

export type Test = (device: DeviceView) => boolean;

/** What a selector asks of each device. */
export interface CompiledSelector {
  readonly matches: Test;
  /** Columns of JSON that it reads. */
  readonly columns: ReadonlySet<JsonColumn>;
}

type Value = string | number;
type MatchTerm = Extract<Term, { kind: 'match' }>;
type OrderTerm = Extract<Term, { kind: 'order' }>;

/**
 * @param groups every group that the selector names
 * @throws FlotillaError `selector.invalid` where a key cannot be compared so
 */
export function compileSelector(
  source: string,
  expression: Expression,
  groups: ReadonlyMap<string, CompiledSelector>,
): CompiledSelector {
  const columns = new Set<JsonColumn>();
  for (const { key } of termsOf(expression)) {
    const { column } = keyOf(key.text);
    if (column !== undefined && key.text !== GROUP) columns.add(column);
  }
  for (const { text } of groupsIn(source, expression)) {
    for (const column of groups.get(text)?.columns ?? []) columns.add(column);
  }
  const compiler = new Compiler(source, groups);
  return { matches: compiler.test(expression), columns };
}

/**
 * The groups that a selector names.
 *
 * @throws FlotillaError `selector.invalid` where `group` is asked for anything but names
 */
export function groupsIn(source: string, expression: Expression): Word[] {
  return termsOf(expression).flatMap((term) => {
    if (term.key.text !== GROUP) return [];
    if (term.kind === 'match') return term.values;
    const { at } = term.kind === 'order' ? term.order : term.key;
    throw invalid(source, at, `${GROUP} is compared by =, != or in with names of groups`);
  });
}

class Compiler {
  readonly #source: string;
  readonly #groups: ReadonlyMap<string, CompiledSelector>;

  constructor(source: string, groups: ReadonlyMap<string, CompiledSelector>) {
    this.#source = source;
    this.#groups = groups;
  }

  test(expression: Expression): Test {
    switch (expression.kind) {
      case 'all':
        return () => true;
      case 'not':
        return negate(this.test(expression.of));
      case 'and': {
        const tests = expression.of.toSorted(byCost).map((inner) => this.test(inner));
        return (device) => tests.every((test) => test(device));
      }
      case 'or': {
        const tests = expression.of.toSorted(byCost).map((inner) => this.test(inner));
        return (device) => tests.some((test) => test(device));
      }
      case 'has': {
        const { read } = keyOf(expression.key.text);
        return (device) => read(device).length > 0;
      }
      case 'match': {
        const test = this.#match(expression);
        return expression.negated ? negate(test) : test;
      }
      case 'order':
        return this.#order(expression);
    }
  }

  #match({ key: { text: name }, values }: MatchTerm): Test {
    if (name === GROUP) {
      const groups = values.map(({ text }) => [text, this.#groups.get(text)?.matches] as const);
      return (device) =>
        groups.some(([group, judge]) => judge !== undefined && device.isIn(group, judge));
    }
    const key = keyOf(name);
    const tests = values.map((value) => this.#equals(key, name, value));
    return (device) => key.read(device).some((value) => tests.some((test) => test(value)));
  }

  #equals({ kind }: Key, name: string, value: Word): (value: Value) => boolean {
    switch (kind) {
      case 'number':
      case 'size':
      case 'age': {
        const wanted = this.#literal(kind, value);
        return (given) => given === wanted;
      }
      case 'flag':
        if (!FLAGS.includes(value.text)) this.#fail(value, `${name} is true or false`);
        return (given) => given === value.text;
      case 'text':
      case 'tag':
      case 'version': {
        const fits = toPattern(value.text);
        return (given) => fits(String(given));
      }
    }
  }

  #order({ key: { text: name }, order, value }: OrderTerm): Test {
    const key = keyOf(name);
    const holds = HOLDS[order.text];
    const difference = this.#difference(key, name, order, value);
    return (device) =>
      key.read(device).some((given) => {
        const found = difference(given);
        return found !== undefined && holds(found);
      });
  }

  /** How far a device's value lies above the one given; undefined where it is no such value. */
  #difference(
    { kind }: Key,
    name: string,
    order: Word,
    value: Word,
  ): (given: Value) => number | undefined {
    switch (kind) {
      case 'number':
      case 'size':
      case 'age': {
        const wanted = this.#literal(kind, value);
        return (given) => Number(given) - wanted;
      }
      case 'version':
        return this.#versionDifference(value);
      case 'tag':
        return this.#tagDifference(value);
      case 'text':
      case 'flag':
        return this.#fail(order, `${name} has no order: compare it by =, != or in`);
    }
  }

  #versionDifference(value: Word): (given: Value) => number | undefined {
    if (!VERSION.test(value.text)) this.#expected(value, 'a version such as 1.20');
    const wanted = readVersion(value.text) ?? [];
    return (given) => {
      const version = readVersion(String(given));
      return version === undefined ? undefined : compareVersions(version, wanted);
    };
  }

  /** A tag is compared as what it is compared with: a number, or a version of several parts. */
  #tagDifference(value: Word): (given: Value) => number | undefined {
    const wanted = readNumber(value.text);
    if (wanted === undefined && VERSION.test(value.text)) return this.#versionDifference(value);
    if (wanted === undefined) this.#expected(value, 'a number or a version');
    return (given) => {
      const number = readNumber(String(given));
      return number === undefined ? undefined : number - (wanted ?? 0);
    };
  }

  #literal(kind: keyof typeof LITERALS, value: Word): number {
    const { read, what } = LITERALS[kind];
    return read(value.text) ?? this.#expected(value, what);
  }

  #expected(value: Word, what: string): never {
    return this.#fail(value, `expected ${what}, found ${show(value.text)}`);
  }

  #fail({ at }: Word, reason: string): never {
    throw invalid(this.#source, at, reason);
  }
}

/** What parsing a column takes, by its usual length. */
const COSTS: Readonly<Record<JsonColumn, number>> = { tags: 1, active: 2, capabilities: 9 };

const columnCost = ({ column }: Key): number => (column === undefined ? 0 : COSTS[column]);

const costOf = (expression: Expression): number =>
  Math.max(0, ...termsOf(expression).map(({ key }) => columnCost(keyOf(key.text))));

/** What costs least is asked first: it often spares the rest. */
const byCost = (a: Expression, b: Expression): number => costOf(a) - costOf(b);

const FLAGS: readonly string[] = ['true', 'false'];
const VERSION = /^\d{1,15}(\.\d{1,15}){0,7}$/;

const LITERALS = {
  number: { read: readNumber, what: 'a number' },
  size: { read: readSize, what: 'a size such as 512MB or 4GB' },
  age: { read: readTime, what: 'a time such as 10m, 12h or 7d' },
} as const;

const HOLDS: Readonly<Record<Order, (difference: number) => boolean>> = {
  '<': (difference) => difference < 0,
  '<=': (difference) => difference <= 0,
  '>': (difference) => difference > 0,
  '>=': (difference) => difference >= 0,
};

const negate =
  (test: Test): Test =>
  (device) =>
    !test(device);
