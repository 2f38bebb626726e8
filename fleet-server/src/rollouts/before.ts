import { SHADOW_MINOR } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { Rollout } from './store.ts';

/** How a device was before it is asked to take a version. */
export interface Before {
  /** −1 where its agent does not count them. */
  readonly base_unclean_starts: number;
  readonly base_drifted: number;
}

/** What the gates must know of these devices later, and only now is to be seen. */
export async function readBefore(
  trx: Kysely<Database>,
  { fleet, slot }: Pick<Rollout, 'fleet' | 'slot'>,
  devices: readonly string[],
): Promise<Map<string, Before>> {
  if (devices.length === 0) return new Map();
  const rows = await trx
    .selectFrom('devices as d')
    .leftJoin('telemetry_latest as l', (join) =>
      join
        .onRef('l.fleet', '=', 'd.fleet')
        .onRef('l.device', '=', 'd.device')
        .on('l.slot', '=', slot),
    )
    .select(['d.device', 'd.protocol_minor', 'd.unclean_starts', 'l.drifted'])
    .where('d.fleet', '=', fleet)
    .where('d.device', 'in', [...devices])
    .execute();
  return new Map(
    rows.map(({ device, protocol_minor, unclean_starts, drifted }) => [
      device,
      {
        base_unclean_starts: protocol_minor >= SHADOW_MINOR ? unclean_starts : -1,
        base_drifted: drifted ?? 0,
      },
    ]),
  );
}
