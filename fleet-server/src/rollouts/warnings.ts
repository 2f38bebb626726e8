import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';

/**
 * What a person should know before a rollout begins, one sentence each.
 *
 * @param matched accepted devices that the selector matches
 */
export async function warningsOf(
  db: Kysely<Database>,
  fleet: string,
  selector: string,
  matched: number,
): Promise<string[]> {
  const { devices } = await db
    .selectFrom('devices')
    .select((e) => e.fn.countAll<number>().as('devices'))
    .where('fleet', '=', fleet)
    .where('status', '=', 'accepted')
    .executeTakeFirstOrThrow();
  if (matched < 2 || matched < Number(devices)) return [];
  return [`${selector} matches every device of fleet ${fleet}, all ${matched} of them`];
}
