import type { Kysely } from 'kysely';
import type { SqlDialect } from '../db/dialect.ts';
import type { Database } from '../db/schema.ts';
import { groupsIn } from '../selectors/compile.ts';
import { parseSelector } from '../selectors/parse.ts';
import { invalid } from '../selectors/scan.ts';
import { findGroup, listGroups } from './store.ts';

type Db = Kysely<Database>;

const namesIn = (selector: string): string[] =>
  groupsIn(selector, parseSelector(selector)).map(({ text }) => text);

/** Held by whoever changes groups or begins to go by one. */
export const lockGroups = (dialect: SqlDialect, trx: Db, fleet: string): Promise<void> =>
  dialect.lock(trx, `groups ${fleet}`);

/**
 * Makes sure that the groups of a selector stay until the transaction ends, after which `whoUses`
 * finds what it writes.
 *
 * @throws FlotillaError `selector.invalid` where one has been deleted meanwhile
 */
export async function holdGroups(
  dialect: SqlDialect,
  trx: Db,
  fleet: string,
  selector: string,
): Promise<void> {
  const words = groupsIn(selector, parseSelector(selector));
  if (words.length === 0) return;
  await lockGroups(dialect, trx, fleet);
  for (const { text, at } of words) {
    if ((await findGroup(trx, fleet, text)) === undefined) {
      throw invalid(selector, at, `group ${JSON.stringify(text)} has been deleted`);
    }
  }
}

/** What goes by a group, in words: another group, or a rollout that has not ended. */
export async function whoUses(db: Db, fleet: string, name: string): Promise<string | undefined> {
  const group = (await listGroups(db, fleet)).find(
    ({ kind, selector }) => kind === 'dynamic' && namesIn(selector).includes(name),
  );
  if (group !== undefined) return `group ${group.name}`;
  const rollouts = await db
    .selectFrom('rollouts')
    .select(['rollout', 'selector'])
    .where('fleet', '=', fleet)
    .where('ended_ms', '=', 0)
    .execute();
  const rollout = rollouts.find(({ selector }) => namesIn(selector).includes(name));
  return rollout && `rollout ${rollout.rollout}`;
}
