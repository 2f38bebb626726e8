import { closestName } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import { type CompiledSelector, compileSelector } from './compile.ts';
import { GROUP, keyOf } from './keys.ts';
import type { Selector } from './resolve.ts';
import { show } from './scan.ts';
import { portions } from './select.ts';
import { type Expression, printSelector } from './syntax.ts';
import { DeviceView, PLAIN_COLUMNS } from './view.ts';

/** One of the parts that must all hold, and what the devices say to it. */
interface Part {
  readonly expression: Expression;
  readonly selector: CompiledSelector;
  /** Devices that it matches. */
  matched: number;
  /** Devices that every other part matches. */
  others: number;
  /** What devices have for its key; empty where it does not ask for a value. */
  readonly values: Set<string>;
}

const MAX_VALUES = 200;
const SHOWN = 5;

/** Of a selector that matches no device: which of its parts shuts all of them out. */
export async function whyNone(
  db: Kysely<Database>,
  fleet: string,
  selector: Selector,
  { now, accepted }: { readonly now: number; readonly accepted: boolean },
): Promise<string> {
  const { expression, source, groups } = selector;
  const parts = (expression.kind === 'and' ? expression.of : [expression]).map(
    (part): Part => ({
      expression: part,
      selector: compileSelector(source, part, groups),
      matched: 0,
      others: 0,
      values: new Set(),
    }),
  );
  let devices = 0;
  const columns = [...new Set([...PLAIN_COLUMNS, ...selector.columns])];
  for await (const rows of portions(db, fleet, columns, { accepted })) {
    devices += rows.length;
    for (const row of rows) count(parts, new DeviceView(row, now));
  }
  if (devices === 0) return `the fleet has no ${accepted ? 'accepted ' : ''}device yet`;
  return tell(parts, devices);
}

function count(parts: readonly Part[], device: DeviceView): void {
  const failing = parts.filter(({ selector }) => !selector.matches(device));
  for (const part of parts) {
    if (!failing.includes(part)) part.matched++;
    if (failing.length === 1 && failing[0] === part) part.others++;
    const { expression, values } = part;
    if (expression.kind !== 'match' || expression.key.text === GROUP) continue;
    if (values.size >= MAX_VALUES) continue;
    for (const value of keyOf(expression.key.text).read(device)) values.add(String(value));
  }
}

function tell(parts: readonly Part[], devices: number): string {
  const dead = parts.filter(({ matched }) => matched === 0);
  const [nearest] = parts.toSorted((a, b) => b.others - a.others);
  if (nearest === undefined || (dead.length === 0 && nearest.others === 0)) {
    return `each part matches some of the ${devices} devices, but none matches all parts but one`;
  }
  const rest = parts.length > 1 && nearest.others > 0 ? restText(nearest) : '';
  if (dead.length === 0) return rest;
  const texts = dead.map((part) => `no device has ${printSelector(part.expression)}${hint(part)}`);
  return [...texts, rest].filter(Boolean).join('; ');
}

const restText = ({ others, expression }: Part): string =>
  `${others} ${others === 1 ? 'device matches' : 'devices match'} all but ${printSelector(expression)}`;

/** What there is in place of a value that no device has. */
function hint({ expression, values }: Part): string {
  if (expression.kind !== 'match' || expression.negated || values.size === 0) return '';
  const wanted = expression.values[0]?.text ?? '';
  const close = closestName(wanted, values);
  if (close !== undefined) return ` (did you mean ${show(close)}?)`;
  const shown = [...values].sort().slice(0, SHOWN).map(show).join(', ');
  return ` (${expression.key.text} is ${shown}${values.size > SHOWN ? ' …' : ''})`;
}
