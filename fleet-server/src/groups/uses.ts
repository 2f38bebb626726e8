import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import { groupsIn } from '../selectors/compile.ts';
import { parseSelector } from '../selectors/parse.ts';
import { listGroups } from './store.ts';

type Db = Kysely<Database>;

const namesIn = (selector: string): string[] =>
  groupsIn(selector, parseSelector(selector)).map(({ text }) => text);

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
