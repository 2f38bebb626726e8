import { closestName, FlotillaError } from '@flotilla/protocol';
import { type Kysely, sql } from 'kysely';
import type { Database } from '../db/schema.ts';
import { BUILT_IN, isPlainTag, keyOf } from './keys.ts';
import { readNumber } from './literals.ts';
import { parseSelector } from './parse.ts';
import { type ResolveOptions, resolveSelector, type Selector } from './resolve.ts';
import { invalid, show } from './scan.ts';
import { portions } from './select.ts';
import { type Term, termsOf, type Word } from './syntax.ts';

type Db = Kysely<Database>;

const TAG_KEY = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/**
 * Resolves a selector that a person gave. A key that is neither built in nor a tag of any device is
 * refused: it would be a slip that matches nothing, or with `!=` everything. `tag.KEY` is taken as
 * it is.
 *
 * @throws FlotillaError `selector.invalid`
 */
export async function takeSelector(
  db: Db,
  fleet: string,
  source: string,
  options: ResolveOptions = {},
): Promise<Selector> {
  await checkKeys(db, fleet, source);
  return resolveSelector(db, fleet, source, options);
}

async function checkKeys(db: Db, fleet: string, source: string): Promise<void> {
  const checked = new Set<string>();
  for (const term of termsOf(parseSelector(source))) {
    const { key } = term;
    if (keyOf(key.text).kind === 'size') checkSizes(source, term);
    if (!isPlainTag(key.text) || checked.has(key.text)) continue;
    checked.add(key.text);
    if (!(await isTagged(db, fleet, key.text))) throw await unknownKey(db, fleet, source, key);
  }
}

/** Looked for in the JSON text, in which a quote within a value has a backslash before it. */
async function isTagged(db: Db, fleet: string, key: string): Promise<boolean> {
  if (!TAG_KEY.test(key)) return false;
  const pattern = `%"${key.replaceAll('_', '\\_')}":%`;
  const row = await db
    .selectFrom('devices')
    .select('device')
    .where('fleet', '=', fleet)
    .where(sql<boolean>`tags like ${pattern} escape '\\'`)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Devices have megabytes at least: who writes fewer bytes than that has left the unit out. */
const LEAST_BYTES = 1e6;

/** @throws FlotillaError `selector.invalid` */
function checkSizes(source: string, term: Term): void {
  const values = term.kind === 'has' ? [] : term.kind === 'match' ? term.values : [term.value];
  for (const { text, at } of values) {
    const bytes = readNumber(text) ?? 0;
    if (bytes <= 0 || bytes >= LEAST_BYTES) continue;
    const reason = `expected a size such as 512MB or 4GB, found ${show(text)}, which has no unit: did you mean ${text}GB?`;
    throw invalid(source, at, reason);
  }
}

/**
 * Checks the keys that a person wants waves balanced over.
 *
 * @throws FlotillaError `rollout.invalid` where one is neither built in nor a tag of any device
 */
export async function checkStrata(db: Db, fleet: string, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    if (!isPlainTag(key) || (await isTagged(db, fleet, key))) continue;
    const hint = await hintFor(db, fleet, key, 'leave it out');
    const reason = `waves cannot be balanced over ${key}, which is no key, and no device has such a tag: ${hint}`;
    throw new FlotillaError('rollout.invalid', { reason, field: 'stratify' });
  }
}

async function unknownKey(db: Db, fleet: string, source: string, { text, at }: Word) {
  const hint = await hintFor(db, fleet, text, `tag.${text} asks for a tag that none has yet`);
  return invalid(source, at, `${show(text)} is no key, and no device has such a tag: ${hint}`);
}

/** The key or tag that was likely meant. */
async function hintFor(db: Db, fleet: string, text: string, otherwise: string): Promise<string> {
  const known = new Set(BUILT_IN);
  for await (const rows of portions(db, fleet, ['device', 'tags'], {})) {
    for (const { tags } of rows) {
      for (const tag of Object.keys(JSON.parse(tags) as object)) known.add(tag);
    }
  }
  const close = closestName(text, known);
  return close === undefined ? otherwise : `did you mean ${show(close)}?`;
}
