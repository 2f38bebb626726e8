import type { Kysely } from 'kysely';
import type { ServerContext } from '../context.ts';
import type { Database } from '../db/schema.ts';
import { readFigures } from '../lab/figures.ts';
import { resolveSelector } from '../selectors/resolve.ts';
import { type Candidate, chooseCandidates } from './choose.ts';
import { claimFor } from './claim.ts';
import { addMembers } from './enlist.ts';
import { setRollout } from './execute-rollout.ts';
import { plural } from './gates/text.ts';
import { HELD, readHoldings } from './overlap.ts';
import { readyVariants } from './ready-variants.ts';
import { addEvent, chunks, type Rollout, readRollout } from './store.ts';
import type { RolloutState } from './types.ts';

type Db = Kysely<Database>;
type Parts = Pick<ServerContext, 'db' | 'dialect'>;

/** States in which devices may still join. */
const JOINABLE: readonly RolloutState[] = ['running', 'paused'];
const BATCH = 500;

/**
 * Takes devices that came to match the selector since the rollout was made into its last wave, and
 * those for which it waited until another rollout let go of them.
 *
 * @param among devices that have changed; undefined: any may have
 * @returns whether any has joined
 */
export async function joinLate(
  parts: Parts,
  rollout: Rollout,
  among: readonly string[] | undefined,
  now: number,
): Promise<boolean> {
  if (!rollout.settings.dynamic || !JOINABLE.includes(rollout.state)) return false;
  const freed = await takeFreed(parts, rollout, now);
  const candidates = await newCandidates(parts.db, rollout, among, now);
  let joined = 0;
  for (const some of chunks(candidates, BATCH)) joined += await join(parts, rollout, some, now);
  return freed + joined > 0;
}

async function newCandidates(
  db: Db,
  rollout: Rollout,
  among: readonly string[] | undefined,
  now: number,
): Promise<Candidate[]> {
  const { fleet, slot, model, version, settings } = rollout;
  const strangers = among && (await withoutMembers(db, rollout, among));
  if (strangers?.length === 0) return [];
  const selector = await resolveSelector(db, fleet, rollout.selector);
  const variants = await readyVariants(db, fleet, model, version);
  const figures = await readFigures(db, fleet, { model, version });
  const demand = { slot, selector, now, figures, stratify: settings.stratify };
  const found = await chooseCandidates(
    db,
    fleet,
    { ...demand, ...(strangers && { among: strangers }) },
    variants,
  );
  const pending = found.filter(({ state }) => state === 'pending');
  const devices = pending.map(({ device }) => device);
  const fresh = new Set(await withoutMembers(db, rollout, devices));
  return pending.filter(({ device }) => fresh.has(device));
}

async function withoutMembers(
  db: Db,
  { fleet, id }: Pick<Rollout, 'fleet' | 'id'>,
  devices: readonly string[],
): Promise<string[]> {
  const known = new Set<string>();
  for (const some of chunks(devices, BATCH)) {
    const rows = await db
      .selectFrom('rollout_members')
      .select('device')
      .where('fleet', '=', fleet)
      .where('rollout', '=', id)
      .where('device', 'in', some)
      .execute();
    for (const { device } of rows) known.add(device);
  }
  return devices.filter((device) => !known.has(device));
}

/** @returns how many have joined: a slot that another rollout holds is left to it */
async function join(
  { db, dialect }: Parts,
  { fleet, id, slot }: Rollout,
  candidates: readonly Candidate[],
  now: number,
): Promise<number> {
  return db.transaction().execute(async (trx) => {
    await dialect.lock(trx, `claims ${fleet}/${slot}`);
    await dialect.lock(trx, `rollout ${fleet}/${id}`);
    const rollout = await readRollout(trx, fleet, id);
    if (!JOINABLE.includes(rollout.state)) return 0;
    const devices = candidates.map(({ device }) => device);
    const fresh = new Set(await withoutMembers(trx, rollout, devices));
    const holdings = await readHoldings(trx, { fleet, id, slot }, devices);
    for (const { device } of holdings) fresh.delete(device);
    const joining = candidates.filter(({ device }) => fresh.has(device));
    if (joining.length === 0) return 0;
    const from = rollout.sizes.at(-1) ?? 0;
    const members = joining.map((one, i) => ({ ...one, position: from + i, arm: '' as const }));
    await addMembers(dialect, trx, rollout, members);
    await claimFor(
      dialect,
      trx,
      rollout,
      joining.map(({ device }) => device),
    );
    const sizes = [...rollout.sizes.slice(0, -1), from + joining.length];
    await setRollout(trx, rollout, { sizes: JSON.stringify(sizes) });
    const sentence = `${plural(joining.length, 'device')} joined the last wave: ${joining
      .slice(0, 3)
      .map(({ device, name }) => name || device)
      .join(', ')}${joining.length > 3 ? ' and more' : ''}`;
    await addEvent(trx, rollout, 'joined', sentence, now);
    return joining.length;
  });
}

/** Devices that another rollout had asked first, and holds no longer. */
async function takeFreed({ db, dialect }: Parts, rollout: Rollout, now: number): Promise<number> {
  const { fleet, id, slot } = rollout;
  // most often none is, and the locks are left alone
  if ((await readUnclaimed(db, rollout)).length === 0) return 0;
  return db.transaction().execute(async (trx) => {
    await dialect.lock(trx, `claims ${fleet}/${slot}`);
    await dialect.lock(trx, `rollout ${fleet}/${id}`);
    const { state } = await readRollout(trx, fleet, id);
    if (!JOINABLE.includes(state)) return 0;
    // anew: another server may have taken them meanwhile
    const waiting = await readUnclaimed(trx, rollout);
    const held = new Set((await readHoldings(trx, rollout, waiting)).map(({ device }) => device));
    const free = waiting.filter((device) => !held.has(device));
    if (free.length === 0) return 0;
    await trx
      .updateTable('rollout_members')
      .set({ state: 'pending', code: '', detail: '' })
      .where('fleet', '=', fleet)
      .where('rollout', '=', id)
      .where('device', 'in', free)
      .where('code', '=', HELD)
      .execute();
    await claimFor(dialect, trx, rollout, free);
    const sentence = `${plural(free.length, 'device')} that another rollout held can be asked now`;
    await addEvent(trx, rollout, 'joined', sentence, now);
    return free.length;
  });
}

/** The first of those that wait whose slot no rollout claims. */
async function readUnclaimed(db: Db, { fleet, id, slot }: Rollout): Promise<string[]> {
  const rows = await db
    .selectFrom('rollout_members as m')
    .select('m.device')
    .where('m.fleet', '=', fleet)
    .where('m.rollout', '=', id)
    .where('m.state', '=', 'withdrawn')
    .where('m.code', '=', HELD)
    .where((e) =>
      e.not(
        e.exists(
          e
            .selectFrom('rollout_claims as c')
            .select('c.device')
            .where('c.fleet', '=', fleet)
            .where('c.slot', '=', slot)
            .whereRef('c.device', '=', 'm.device'),
        ),
      ),
    )
    .orderBy('m.position')
    .limit(BATCH)
    .execute();
  return rows.map(({ device }) => device);
}
