import { FlotillaError } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import type { ServerContext } from '../context.ts';
import type { Database } from '../db/schema.ts';
import { plural } from './gates/text.ts';
import { addEvent, chunks } from './store.ts';

type Trx = Kysely<Database>;

/** Of a member that waits until another rollout, which has asked its device already, lets go of it. */
export const HELD = 'rollout.overlap';
/** Of a member whose device went to a rollout of a higher priority. */
const TAKEN_OVER = 'rollout.taken-over';

/** The rollout that wants the slot. */
export interface Wanting {
  readonly fleet: string;
  readonly id: string;
  readonly slot: string;
  readonly priority: number;
}

/** A device whose slot an unfinished rollout holds. */
export interface Holding {
  readonly device: string;
  readonly rollout: string;
  readonly priority: number;
  /** It has been asked to take that rollout's version. */
  readonly asked: boolean;
}

/** What others hold of these devices. */
export async function readHoldings(
  db: Trx,
  { fleet, id, slot }: Omit<Wanting, 'priority'>,
  devices: readonly string[],
): Promise<Holding[]> {
  const holdings: Holding[] = [];
  for (const some of chunks(devices, 500)) {
    const rows = await db
      .selectFrom('rollout_claims as c')
      .leftJoin('rollouts as r', (join) =>
        join.onRef('r.fleet', '=', 'c.fleet').onRef('r.rollout', '=', 'c.rollout'),
      )
      .leftJoin('rollout_members as m', (join) =>
        join
          .onRef('m.fleet', '=', 'c.fleet')
          .onRef('m.rollout', '=', 'c.rollout')
          .onRef('m.device', '=', 'c.device'),
      )
      .select(['c.device', 'c.rollout', 'r.priority', 'm.state'])
      .where('c.fleet', '=', fleet)
      .where('c.slot', '=', slot)
      .where('c.rollout', '!=', id)
      .where('c.device', 'in', some)
      .execute();
    for (const { device, rollout, priority, state } of rows) {
      holdings.push({ device, rollout, priority: priority ?? 0, asked: state !== 'pending' });
    }
  }
  return holdings;
}

/**
 * Settles who gets devices that other rollouts hold: a higher priority takes over those that have
 * not been asked yet, and leaves the others to the rollout that asked them.
 *
 * @returns the devices that stay with others
 * @throws FlotillaError `rollout.overlap`
 */
export async function settleOverlaps(
  dialect: ServerContext['dialect'],
  trx: Trx,
  wanting: Wanting,
  devices: readonly string[],
  now: number,
): Promise<Holding[]> {
  const before = await readHoldings(trx, wanting, devices);
  for (const rollout of new Set(before.map((one) => one.rollout))) {
    await dialect.lock(trx, `rollout ${wanting.fleet}/${rollout}`);
  }
  const holdings = before.length === 0 ? [] : await readHoldings(trx, wanting, devices);
  refuseEqual(wanting, holdings);
  if (holdings.length > 0 && devices.length === holdings.filter(({ asked }) => asked).length) {
    refuse(wanting, holdings);
  }
  const free = Map.groupBy(
    holdings.filter(({ asked }) => !asked),
    ({ rollout }) => rollout,
  );
  for (const [rollout, some] of free) await takeOver(trx, wanting, rollout, some, now);
  return holdings.filter(({ asked }) => asked);
}

function refuseEqual(wanting: Wanting, holdings: readonly Holding[]): void {
  const strong = holdings.filter(({ priority }) => priority >= wanting.priority);
  if (strong.length > 0) refuse(wanting, strong);
}

function refuse({ slot }: Wanting, holdings: readonly Holding[]): never {
  const rollout = holdings[0]?.rollout ?? '';
  throw new FlotillaError('rollout.overlap', { slot, rollout, devices: holdings.length });
}

/** The other rollout goes on without these devices. */
async function takeOver(
  trx: Trx,
  { fleet, id, slot, priority }: Wanting,
  rollout: string,
  holdings: readonly Holding[],
  now: number,
): Promise<void> {
  for (const some of chunks(holdings, 500)) {
    const devices = some.map(({ device }) => device);
    const detail = `rollout ${id} took the device over (priority ${priority})`;
    await trx
      .updateTable('rollout_members')
      .set({ state: 'withdrawn', code: TAKEN_OVER, detail })
      .where('fleet', '=', fleet)
      .where('rollout', '=', rollout)
      .where('device', 'in', devices)
      .where('state', '=', 'pending')
      .execute();
    await trx
      .deleteFrom('rollout_claims')
      .where('fleet', '=', fleet)
      .where('slot', '=', slot)
      .where('rollout', '=', rollout)
      .where('device', 'in', devices)
      .execute();
  }
  const sentence = `rollout ${id} (priority ${priority}) took ${plural(holdings.length, 'device')} over`;
  await addEvent(trx, { fleet, id: rollout }, 'taken-over', sentence, now);
}

/** Members whose devices another rollout has asked wait until that has ended. */
export async function leaveToOthers(
  trx: Trx,
  { fleet, id }: Pick<Wanting, 'fleet' | 'id'>,
  holdings: readonly Holding[],
  now: number,
): Promise<void> {
  for (const some of chunks(holdings, 500)) {
    await trx
      .updateTable('rollout_members')
      .set({
        state: 'withdrawn',
        code: HELD,
        detail: 'another rollout has asked the device already',
      })
      .where('fleet', '=', fleet)
      .where('rollout', '=', id)
      .where(
        'device',
        'in',
        some.map(({ device }) => device),
      )
      .execute();
  }
  if (holdings.length === 0) return;
  const others = [...new Set(holdings.map(({ rollout }) => rollout))].slice(0, 3).join(', ');
  const sentence = `${plural(holdings.length, 'device')} ${holdings.length === 1 ? 'stays' : 'stay'} with rollout ${others}, which has asked already`;
  await addEvent(trx, { fleet, id }, 'held', sentence, now);
}
