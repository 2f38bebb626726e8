import { closestName } from '@flotilla/protocol';
import { type Kysely, sql } from 'kysely';
import type { Database } from '../db/schema.ts';
import { BUILT_IN, isPlainTag } from './keys.ts';
import { parseSelector } from './parse.ts';
import { type ResolveOptions, resolveSelector, type Selector } from './resolve.ts';
import { invalid, show } from './scan.ts';
import { portions } from './select.ts';
import { termsOf, type Word } from './syntax.ts';

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
  for (const { key } of termsOf(parseSelector(source))) {
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

async function unknownKey(db: Db, fleet: string, source: string, { text, at }: Word) {
  const known = new Set(BUILT_IN);
  for await (const rows of portions(db, fleet, ['device', 'tags'], {})) {
    for (const { tags } of rows) {
      for (const tag of Object.keys(JSON.parse(tags) as object)) known.add(tag);
    }
  }
  const close = closestName(text, known);
  const hint =
    close === undefined
      ? `tag.${text} asks for a tag that none has yet`
      : `did you mean ${show(close)}?`;
  return invalid(source, at, `${show(text)} is no key, and no device has such a tag: ${hint}`);
}
