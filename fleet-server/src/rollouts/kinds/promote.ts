import { FlotillaError, isFlotillaError } from '@flotilla/protocol';
import { type Kysely, sql } from 'kysely';
import type { ServerContext } from '../../context.ts';
import type { Database } from '../../db/schema.ts';
import { audit } from '../../trust/audit.ts';
import { draftRollout, writeRollout } from '../create.ts';
import { executeAction } from '../execute.ts';
import { closeMembers, release, setRollout } from '../execute-rollout.ts';
import { plural } from '../gates/text.ts';
import type { RolloutRequest, RolloutSettings } from '../settings.ts';
import { addEvent, type Rollout, readRollout } from '../store.ts';

type Context = Pick<ServerContext, 'db' | 'dialect'>;
type Trx = Kysely<Database>;

interface By {
  /** `token:<id>`, or `gate` where the gates decided. */
  readonly actor: string;
  readonly now: number;
}

/**
 * Turns a shadow or an A/B rollout into an update of all its devices. What is asked twice is done
 * once.
 *
 * @returns the rollout that updates the devices: one of its own for a shadow, the same for A/B
 * @throws FlotillaError `rollout.kind`, `rollout.state`, `rollout.invalid`, `server.not-found`
 */
export async function promoteRollout(
  context: Context,
  { fleet, id }: Pick<Rollout, 'fleet' | 'id'>,
  by: By,
): Promise<Rollout> {
  return context.db.transaction().execute(async (trx) => {
    const { slot } = await readRollout(trx, fleet, id);
    // in the order in which a new rollout locks them: neither waits for the other for ever
    await context.dialect.lock(trx, `claims ${fleet}/${slot}`);
    await context.dialect.lock(trx, `rollout ${fleet}/${id}`);
    const rollout = await readRollout(trx, fleet, id);
    const promoted = await promotedTo(trx, rollout);
    if (promoted !== undefined) return promoted;
    const { kind, state } = rollout;
    if (kind === 'update') throw new FlotillaError('rollout.kind', { rollout: id });
    if (state !== 'running' && state !== 'paused') {
      throw new FlotillaError('rollout.state', { rollout: id, state, change: 'promoted' });
    }
    const update =
      kind === 'shadow'
        ? await promoteShadow(context, trx, rollout, by)
        : await promoteArms(trx, rollout, by);
    const detail = { to: update };
    await audit({ ...context, now: () => by.now }, trx, {
      ...{ fleet, actor: by.actor, action: 'rollout.promote', subject: id, detail },
    });
    return readRollout(trx, fleet, update);
  });
}

/** The rollout that came of it, where it was promoted before. */
async function promotedTo(trx: Trx, rollout: Rollout): Promise<Rollout | undefined> {
  const { fleet, id, kind, settings } = rollout;
  if (settings.kind === 'ab') return kind === 'update' ? rollout : undefined;
  const row = await trx
    .selectFrom('rollouts')
    .select('rollout')
    .where('fleet', '=', fleet)
    .where('parent', '=', id)
    .executeTakeFirst();
  return row === undefined ? undefined : readRollout(trx, fleet, row.rollout);
}

/**
 * The shadow rollout is done, and a new one updates the same devices. Each keeps its shadow until it
 * has its turn.
 */
async function promoteShadow(
  context: Context,
  trx: Trx,
  rollout: Rollout,
  { actor, now }: By,
): Promise<string> {
  const { fleet, id } = rollout;
  const rows = await trx
    .selectFrom('rollout_members')
    .select('device')
    .where('fleet', '=', fleet)
    .where('rollout', '=', id)
    .where('position', '>=', 0)
    // these went to other rollouts
    .where('state', '!=', 'withdrawn')
    .execute();
  const among = rows.map(({ device }) => device);
  const draft = await draftRollout({ db: trx }, fleet, updateRequest(rollout), now, { among });
  const sentence = `promoted by ${actor}: rollout ${draft.id} updates its devices`;
  await setRollout(trx, rollout, { state: 'done', sentence, ended_ms: now });
  await closeMembers(trx, rollout);
  await release(trx, rollout);
  await addEvent(trx, rollout, 'promote', sentence, now);
  await writeRollout(context, trx, fleet, draft, { actor, now, parent: id });
  return draft.id;
}

function updateRequest({ model, version, selector, settings }: Rollout): RolloutRequest {
  const { kind: _kind, promote: _promote, shadow: _shadow, ab: _ab, ...rest } = settings;
  const { minInferences: _minimum, ...gates } = rest.gates;
  const own: Omit<RolloutSettings, 'kind' | 'promote' | 'gates'> = rest;
  const request = { ...own, gates, model, version, devices: selector, dynamic: false };
  // only the settings' lists are read-only, which a request's are not
  return structuredClone(request) as RolloutRequest;
}

/** The control arm follows in a wave of its own, and the rollout goes on as an update. */
async function promoteArms(trx: Trx, rollout: Rollout, { actor, now }: By): Promise<string> {
  const { fleet, id, sizes } = rollout;
  const first = sizes.at(-1) ?? 0;
  const controls = trx
    .selectFrom('rollout_members')
    .select(['device', sql<number>`row_number() over (order by device)`.as('place')])
    .where('fleet', '=', fleet)
    .where('rollout', '=', id)
    .where('arm', '=', 'control')
    .where('state', '=', 'unchanged');
  const { numUpdatedRows } = await trx
    .updateTable('rollout_members')
    .from(controls.as('c'))
    .set({
      ...{ state: 'pending', arm: '' },
      position: sql<number>`c.place + ${sql.lit(first - 1)}`,
    })
    .where('fleet', '=', fleet)
    .where('rollout', '=', id)
    .whereRef('rollout_members.device', '=', 'c.device')
    .executeTakeFirst();
  const devices = Number(numUpdatedRows);
  const grown = JSON.stringify([...sizes, first + devices]);
  await setRollout(trx, rollout, { kind: 'update', sizes: grown });
  const sentence = `promoted by ${actor}: ${plural(devices, 'device')} of arm A get the version too`;
  await addEvent(trx, rollout, 'promote', sentence, now);
  return id;
}

/**
 * Promotes a rollout because no gate is against it. Where that is refused, as for devices that run
 * the version by now, it is done, and says why.
 *
 * @returns the devices whose desired state changed
 */
export async function promoteByGate(
  context: Context & Pick<ServerContext, 'transactAll'>,
  rollout: Rollout,
  now: number,
): Promise<readonly string[]> {
  try {
    await promoteRollout(context, rollout, { actor: 'gate', now });
    return [];
  } catch (error) {
    if (!isFlotillaError(error) || error.code !== 'rollout.invalid') throw error;
    const note = `not promoted: ${error.message}`;
    return executeAction(context, rollout, { kind: 'finish', state: 'done', note }, now);
  }
}
