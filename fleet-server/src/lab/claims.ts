import { FlotillaError } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import type { SqlDialect } from '../db/dialect.ts';
import type { Database } from '../db/schema.ts';
import { chunks } from '../rollouts/store.ts';

/** A place of a device that no slot has the name of: two measurements at once spoil each other. */
const LAB_PLACE = '#lab';

interface LabClaim {
  readonly fleet: string;
  readonly run: string;
  readonly slot: string;
  readonly devices: readonly { readonly device: string; readonly name: string }[];
}

/**
 * Takes devices for a lab run, or refuses and names who has one of them.
 *
 * @throws FlotillaError `lab.busy`
 */
export async function claimForLab(
  dialect: SqlDialect,
  trx: Kysely<Database>,
  { fleet, run, slot, devices }: LabClaim,
): Promise<void> {
  await dialect.lock(trx, `claims ${fleet}/${LAB_PLACE}`);
  await dialect.lock(trx, `claims ${fleet}/${slot}`);
  const ids = devices.map(({ device }) => device);
  const [held] = await labHolders(trx, fleet, ids);
  if (held !== undefined) refuse(devices, held.device, `lab run ${held.run}`);
  const [shadowed] = await shadowedDevices(trx, fleet, slot, ids);
  if (shadowed !== undefined) refuse(devices, shadowed.device, shadowed.holder);
  for (const some of chunks(ids, 500)) {
    const values = some.map((device) => ({ fleet, device, slot: LAB_PLACE, rollout: run }));
    await trx.insertInto('rollout_claims').values(values).execute();
  }
}

function refuse(devices: LabClaim['devices'], device: string, holder: string): never {
  const name = devices.find((one) => one.device === device)?.name;
  throw new FlotillaError('lab.busy', { device: name || device, holder });
}

/** Which of these devices a lab run has. */
export async function labHolders(
  trx: Kysely<Database>,
  fleet: string,
  devices: readonly string[],
): Promise<{ device: string; run: string }[]> {
  const held: { device: string; run: string }[] = [];
  for (const some of chunks(devices, 500)) {
    const rows = await trx
      .selectFrom('rollout_claims')
      .select(['device', 'rollout as run'])
      .where('fleet', '=', fleet)
      .where('slot', '=', LAB_PLACE)
      .where('device', 'in', some)
      .execute();
    held.push(...rows);
  }
  return held;
}

/** Which of these devices have a shadow in the slot, or will: its figures would suffer. */
async function shadowedDevices(
  trx: Kysely<Database>,
  fleet: string,
  slot: string,
  devices: readonly string[],
): Promise<{ device: string; holder: string }[]> {
  const held: { device: string; holder: string }[] = [];
  for (const some of chunks(devices, 500)) {
    const rows = await trx
      .selectFrom('rollout_claims as c')
      .innerJoin('rollouts as r', (join) =>
        join.onRef('r.fleet', '=', 'c.fleet').onRef('r.rollout', '=', 'c.rollout'),
      )
      .select(['c.device', 'r.rollout'])
      .where('c.fleet', '=', fleet)
      .where('c.slot', '=', slot)
      .where('c.device', 'in', some)
      .where('r.kind', '=', 'shadow')
      .execute();
    held.push(...rows.map(({ device, rollout }) => ({ device, holder: `rollout ${rollout}` })));
  }
  return held;
}

/** Lets others have the devices. */
export async function releaseLab(
  trx: Kysely<Database>,
  { fleet, run }: Pick<LabClaim, 'fleet' | 'run'>,
): Promise<void> {
  await trx
    .deleteFrom('rollout_claims')
    .where('fleet', '=', fleet)
    .where('slot', '=', LAB_PLACE)
    .where('rollout', '=', run)
    .execute();
}
