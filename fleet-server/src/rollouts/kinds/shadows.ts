import { SHADOW_MINOR } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { changeSlots } from '../../devices/deployments.ts';
import type { Candidate } from '../choose.ts';
import { chunks, type Rollout } from '../store.ts';

type Trx = Kysely<Database>;

/** Why an agent cannot run a shadow; undefined where it can. */
export const whyNoShadow = ({ protocol_minor }: { readonly protocol_minor: number }) =>
  protocol_minor < SHADOW_MINOR
    ? `its agent speaks protocol 1.${protocol_minor} and runs shadows from 1.${SHADOW_MINOR} on: update the agent`
    : undefined;

/** Devices that run nothing in the slot have nothing to compare a shadow with. */
export async function withBase(
  db: Trx,
  fleet: string,
  slot: string,
  candidates: readonly Candidate[],
): Promise<Candidate[]> {
  const running = new Set<string>();
  for (const some of chunks(candidates, 500)) {
    const rows = await db
      .selectFrom('slots as s')
      .innerJoin('deployments as d', (join) =>
        join.onRef('d.fleet', '=', 's.fleet').onRef('d.deployment', '=', 's.active'),
      )
      .select('s.device')
      .where('s.fleet', '=', fleet)
      .where(
        's.device',
        'in',
        some.map(({ device }) => device),
      )
      .where('s.slot', '=', slot)
      .where('s.mode', '=', 'present')
      .where('d.result', '=', 'committed')
      .execute();
    for (const { device } of rows) running.add(device);
  }
  const reason = `runs nothing in slot ${slot} that the version could be compared with`;
  return candidates.map((one) =>
    one.state !== 'pending' || running.has(one.device)
      ? one
      : { ...one, state: 'unsuitable', reason, variant: undefined, ladder: [] },
  );
}

/**
 * Takes the shadows that a rollout ordered out of their slots, wherever they still are.
 *
 * @returns the devices whose desired state changed
 */
export async function withdrawShadows(
  trx: Trx,
  { fleet, slot }: Pick<Rollout, 'fleet' | 'slot'>,
  rollout: string,
): Promise<string[]> {
  const rows = await trx
    .selectFrom('deployments as d')
    .innerJoin('slots as s', (join) =>
      join
        .onRef('s.fleet', '=', 'd.fleet')
        .onRef('s.device', '=', 'd.device')
        .onRef('s.slot', '=', 'd.slot')
        .onRef('s.shadow', '=', 'd.deployment'),
    )
    .select('d.device')
    .where('d.fleet', '=', fleet)
    .where('d.rollout', '=', rollout)
    .where('d.purpose', '=', 'compare')
    .execute();
  const devices = rows.map(({ device }) => device);
  await changeSlots(trx, { fleet, slot }, devices, { shadow: '' });
  return devices;
}
