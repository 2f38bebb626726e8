import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { readFleet } from '../../devices/fleets.ts';
import { ENDED_STATES } from '../../rollouts/store.ts';
import type { Overview } from './schemas.ts';

/** @throws FlotillaError `server.not-found` where there is no such fleet */
export async function readOverview(
  db: Kysely<Database>,
  fleet: string,
  { role, now }: { readonly role: string; readonly now: number },
): Promise<Overview> {
  const { halted } = await readFleet(db, fleet);
  const groups = await db
    .selectFrom('devices')
    .select(({ fn }) => ['status', 'online', fn.countAll<number>().as('devices')])
    .where('fleet', '=', fleet)
    .where('status', '<>', 'revoked')
    .groupBy(['status', 'online'])
    .execute();
  const rollouts = await db
    .selectFrom('rollouts')
    .select(({ fn }) => fn.countAll<number>().as('running'))
    .where('fleet', '=', fleet)
    .where('state', 'not in', [...ENDED_STATES])
    .executeTakeFirstOrThrow();
  const alerts = await db
    .selectFrom('alerts')
    .select(({ fn }) => fn.countAll<number>().as('open'))
    .where('fleet', '=', fleet)
    .where('state', '=', 'open')
    .executeTakeFirstOrThrow();
  const count = (holds: (group: (typeof groups)[number]) => boolean): number =>
    groups.filter(holds).reduce((total, { devices }) => total + Number(devices), 0);
  return {
    fleet,
    role,
    halted: halted === 1,
    wallMs: now,
    devices: {
      total: count(() => true),
      online: count(({ online }) => online === 1),
      pending: count(({ status }) => status === 'pending'),
    },
    rolloutsRunning: Number(rollouts.running),
    alertsOpen: Number(alerts.open),
  };
}
