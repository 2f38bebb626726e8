import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import { takeSelector } from './check-keys.ts';
import { selectIds } from './select.ts';
import { whyNone } from './why-none.ts';

/** What a selector comes to now. */
export interface Selection {
  /** Ids of the devices that it matches. */
  readonly devices: string[];
  /** Devices of the fleet. */
  readonly total: number;
  /** Why it matches none; empty where it matches some. */
  readonly note: string;
}

/** @throws FlotillaError `selector.invalid` */
export async function trySelector(
  db: Kysely<Database>,
  fleet: string,
  source: string,
  now: number,
): Promise<Selection> {
  const selector = await takeSelector(db, fleet, source);
  const devices = await selectIds(db, fleet, selector, { now });
  const note =
    devices.length > 0 ? '' : await whyNone(db, fleet, selector, { now, accepted: false });
  const { total } = await db
    .selectFrom('devices')
    .select((e) => e.fn.countAll<number>().as('total'))
    .where('fleet', '=', fleet)
    .executeTakeFirstOrThrow();
  return { devices, total: Number(total), note };
}
