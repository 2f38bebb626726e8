import { closestName } from '@flotilla/protocol';
import { timeText } from '../time-text.ts';

/** What a validator says of a value that its schema refuses. */
export interface Refusal {
  readonly keyword: string;
  /** JSON pointers: into the value, and into the schema with `#` before it. */
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly params: unknown;
  readonly message?: string | undefined;
}

export interface Explanation {
  /** As `gates.maxLatencyRise`; empty for the whole. */
  readonly field: string;
  /** One sentence: what is wrong, and what is allowed. */
  readonly reason: string;
}

type Json = Readonly<Record<string, unknown>>;

/** Names and values of which a person still reads a list. */
const LISTED = 24;
const SHOWN_CHARS = 60;

/** The first of the refusals, in words. */
export function explain(refusal: Refusal, schema: unknown, value: unknown): Explanation {
  const { keyword, params, instancePath, schemaPath } = refusal;
  const path = stepsOf(instancePath);
  if (keyword === 'required') {
    const [missing = ''] = (params as { requiredProperties?: string[] }).requiredProperties ?? [];
    const field = [...path, missing].join('.');
    return { field, reason: `${field} is missing` };
  }
  const field = path.join('.');
  if (schemaPath.endsWith('/additionalProperties')) {
    return { field, reason: unknownKey(path, parentOf(schema, schemaPath)) };
  }
  const own = at(schema, stepsOf(schemaPath.replace(/\/anyOf\/\d+$/, '')));
  const allowed = isObject(own) ? allowedBy(own) : undefined;
  const reason = `${field || 'it'} is ${allowed ?? `refused: ${refusal.message ?? keyword}`}`;
  return { field, reason: `${reason}${insteadOf(at(value, path))}` };
}

function unknownKey(path: readonly string[], parent: unknown): string {
  const key = path.at(-1) ?? '';
  const known = isObject(parent) && isObject(parent.properties) ? parent.properties : {};
  const names = Object.keys(known);
  const close = closestName(key, names);
  const where = path.length > 1 ? `${path.slice(0, -1).join('.')} has` : 'there is';
  const hint = close !== undefined ? `did you mean ${close}?` : `there are ${listed(names, ', ')}`;
  return `${where} no key ${key.slice(0, SHOWN_CHARS)}; ${hint}`;
}

/** What a schema takes, to be read after `is`. */
function allowedBy(schema: Json): string | undefined {
  const choices = choicesOf(schema);
  if (choices !== undefined) return `one of ${listed(choices, ', ')}`;
  const { type, description } = schema;
  if (type === 'string') return textOf(schema);
  if (type === 'integer' || type === 'number') return numberOf(schema);
  if (type === 'boolean') return 'true or false';
  if (type === 'array') return `a list${length(schema.minItems, schema.maxItems, 'items')}`;
  if (type === 'object') return `an object${length(undefined, schema.maxProperties, 'keys')}`;
  return typeof description === 'string' ? description : undefined;
}

function choicesOf(schema: Json): string[] | undefined {
  const values = Array.isArray(schema.enum)
    ? schema.enum
    : Array.isArray(schema.anyOf)
      ? schema.anyOf.map((each) => (isObject(each) ? each.const : undefined))
      : [];
  return values.length > 0 && !values.includes(undefined) ? values.map(String) : undefined;
}

function textOf({ pattern, description, minLength, maxLength }: Json): string {
  if (pattern !== undefined && typeof description === 'string') return description;
  const example = typeof description === 'string' && description.startsWith('such as ');
  return `text${length(minLength, maxLength, 'characters')}${example ? ` ${description}` : ''}`;
}

function numberOf({ type, minimum, maximum, description }: Json): string {
  const what = type === 'integer' ? 'a whole number' : 'a number';
  if (description !== 'Milliseconds') return `${what}${bounds(minimum, maximum)}`;
  const time = (ms: unknown) => (typeof ms === 'number' ? timeText(ms) : undefined);
  return `a time${bounds(time(minimum), time(maximum))}, in milliseconds`;
}

/** As ` from 1 to 9`. */
function bounds(least: unknown, most: unknown): string {
  if (least === undefined) return most === undefined ? '' : ` of at most ${most}`;
  return most === undefined ? ` from ${least}` : ` from ${least} to ${most}`;
}

/** As ` of 1 to 4 items`. */
function length(least: unknown, most: unknown, unit: string): string {
  if (least === undefined) return most === undefined ? '' : ` of at most ${most} ${unit}`;
  return most === undefined ? ` of at least ${least} ${unit}` : ` of ${least} to ${most} ${unit}`;
}

function insteadOf(value: unknown): string {
  if (value === undefined) return '';
  if (value === '') return ', not empty';
  const text = JSON.stringify(value);
  return `, not ${text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text}`;
}

function listed(names: readonly string[], joint: string): string {
  const shown = names.slice(0, LISTED).map((name) => (name === '' ? '""' : name));
  return `${shown.join(joint)}${names.length > LISTED ? ' …' : ''}`;
}

const stepsOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));

const at = (root: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null ? (value as Json)[step] : undefined,
    root,
  );

const parentOf = (schema: unknown, schemaPath: string): unknown =>
  at(schema, stepsOf(schemaPath).slice(0, -1));

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
