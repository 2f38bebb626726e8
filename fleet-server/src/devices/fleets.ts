import { encode, FlotillaError, fleetTopics } from '@flotilla/protocol';
import type { Kysely, Selectable } from 'kysely';
import type { ServerContext } from '../context.ts';
import type { Database, FleetsTable } from '../db/schema.ts';
import { audit } from '../trust/audit.ts';

type FleetRow = Selectable<FleetsTable>;

/** @throws FlotillaError `server.not-found` */
export async function readFleet(db: Kysely<Database>, fleet: string): Promise<FleetRow> {
  const row = await db
    .selectFrom('fleets')
    .selectAll()
    .where('fleet', '=', fleet)
    .executeTakeFirst();
  if (row === undefined) throw new FlotillaError('server.not-found', { what: 'fleet', id: fleet });
  return row;
}

/** Makes a fleet with its repository of signed metadata; one that exists stays as it is. */
export async function createFleet(
  context: Pick<ServerContext, 'db' | 'dialect' | 'now' | 'trust'>,
  actor: string,
  fleet: string,
): Promise<void> {
  const row: FleetRow = {
    fleet,
    created_ms: context.now(),
    generation: 1,
    halted: 0,
    halt_counter: 0,
    halt_signed: '',
  };
  await context.db.transaction().execute(async (trx) => {
    const made = await trx
      .insertInto('fleets')
      .values(row)
      .onConflict((on) => on.column('fleet').doNothing())
      .returning('fleet')
      .executeTakeFirst();
    if (made === undefined) return;
    await context.trust.createRepository(trx, fleet);
    await audit(context, trx, { fleet, actor, action: 'fleet.create', subject: fleet });
  });
}

type HaltParts = Pick<
  ServerContext,
  'db' | 'dialect' | 'now' | 'trust' | 'broker' | 'log' | 'changes'
>;

/** Stops every device of a fleet before its next step, or lets them go on. */
export async function haltFleet(
  context: HaltParts,
  actor: string,
  fleet: string,
  halted: boolean,
): Promise<void> {
  const row = await context.db.transaction().execute(async (trx) => {
    await context.dialect.lock(trx, `halt ${fleet}`);
    const { generation, halt_counter } = await readFleet(trx, fleet);
    const counter = halt_counter + 1;
    const signed = context.trust.signHalt({ fleet, generation, counter, halted });
    const changed = await trx
      .updateTable('fleets')
      .set({
        halted: halted ? 1 : 0,
        halt_counter: counter,
        halt_signed: new TextDecoder().decode(signed),
      })
      .where('fleet', '=', fleet)
      .returningAll()
      .executeTakeFirstOrThrow();
    const action = halted ? 'fleet.halt' : 'fleet.resume';
    await audit(context, trx, { fleet, actor, action, subject: fleet });
    return changed;
  });
  context.changes.emit({ topic: 'rollout', fleet, id: fleet, data: { halted } });
  await publishHalt(context, row);
}

/** Says again, at start, what the broker may have forgotten. */
export async function publishHalts(context: HaltParts): Promise<void> {
  const rows = await context.db
    .selectFrom('fleets')
    .selectAll()
    .where('halt_counter', '>', 0)
    .execute();
  for (const row of rows) await publishHalt(context, row);
}

async function publishHalt({ broker, log }: HaltParts, row: FleetRow): Promise<void> {
  const payload = encode('Halt', haltOf(row));
  try {
    await broker.publish(fleetTopics(row.fleet).halt, payload, { qos: 1, retain: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log.warn({ fleet: row.fleet, reason }, 'halt not published; it is in every desired state');
  }
}

/** Halt as devices hear it; also repeated in every desired state. */
export function haltOf(
  row: Pick<FleetRow, 'generation' | 'halted' | 'halt_counter' | 'halt_signed'>,
) {
  return {
    generation: row.generation,
    counter: row.halt_counter,
    halted: row.halted === 1,
    signed: new TextEncoder().encode(row.halt_signed),
  };
}
