import { AGENT_SLOT, checkName, closestName, FlotillaError } from '@flotilla/protocol';
import type { Kysely, Selectable } from 'kysely';
import type { ServerContext } from '../context.ts';
import type { Database, VariantsTable, VersionStatus, VersionsTable } from '../db/schema.ts';
import { audit } from '../trust/audit.ts';

export type VersionRow = Selectable<VersionsTable>;
export type VariantRow = Selectable<VariantsTable>;

export interface VersionOrder {
  readonly fleet: string;
  readonly model: string;
  /** Number that ready bundles carry; left out: the next. */
  readonly version?: number;
  readonly sourceDigest: string;
  readonly status: VersionStatus;
  readonly actor: string;
}

type Parts = Pick<ServerContext, 'dialect' | 'now'>;

/**
 * Makes a version within the caller's transaction. Numbers rise and are never reused, also where a
 * build fails.
 *
 * @throws FlotillaError `name.invalid`, `request.conflict`
 */
export async function registerVersion(
  parts: Parts,
  trx: Kysely<Database>,
  order: VersionOrder,
): Promise<VersionRow> {
  const { fleet, actor } = order;
  const model = order.model === AGENT_SLOT ? AGENT_SLOT : checkName('model', order.model);
  await parts.dialect.lock(trx, `model ${fleet}/${model}`);
  const last = await lastVersion(trx, fleet, model);
  const version = order.version ?? last + 1;
  if (version <= last) {
    const what = `${model}@${version}`;
    const reason = `version ${last} exists and numbers are never reused: make it ${last + 1}`;
    throw new FlotillaError('request.conflict', { what, reason });
  }
  const now = parts.now();
  await trx
    .insertInto('models')
    .values({ fleet, model, last_version: version, created_ms: now })
    .onConflict((on) => on.columns(['fleet', 'model']).doUpdateSet({ last_version: version }))
    .execute();
  const row: VersionRow = {
    fleet,
    model,
    version,
    status: order.status,
    source_digest: order.sourceDigest,
    created_by: actor,
    created_ms: now,
  };
  await trx.insertInto('versions').values(row).execute();
  await audit(parts, trx, { fleet, actor, action: 'model.push', subject: `${model}@${version}` });
  return row;
}

async function lastVersion(trx: Kysely<Database>, fleet: string, model: string): Promise<number> {
  const row = await trx
    .selectFrom('models')
    .select('last_version')
    .where('fleet', '=', fleet)
    .where('model', '=', model)
    .executeTakeFirst();
  return row?.last_version ?? 0;
}

/** @throws FlotillaError `server.not-found` */
export async function readVersion(
  db: Kysely<Database>,
  fleet: string,
  model: string,
  version: number,
): Promise<VersionRow> {
  const row = await db
    .selectFrom('versions')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('model', '=', model)
    .where('version', '=', version)
    .executeTakeFirst();
  if (row !== undefined) return row;
  const instead = await otherVersions(db, fleet, model);
  const id = `${model}@${version}`;
  throw new FlotillaError('server.not-found', { what: 'version', id, instead });
}

/** Of which some are named, the newest. */
const NAMED = 5;

/** What there is in place of a version that there is not. */
async function otherVersions(db: Kysely<Database>, fleet: string, model: string): Promise<string> {
  const versions = await db
    .selectFrom('versions')
    .select('version')
    .where('fleet', '=', fleet)
    .where('model', '=', model)
    .orderBy('version', 'desc')
    .limit(NAMED + 1)
    .execute();
  if (versions.length > 0) {
    const named = versions.slice(0, NAMED).map((row) => `${model}@${row.version}`);
    return `there ${named.length === 1 ? 'is' : 'are'} ${named.join(', ')}${versions.length > NAMED ? ' …' : ''}`;
  }
  const models = await db.selectFrom('models').select('model').where('fleet', '=', fleet).execute();
  const known = models.map((row) => row.model);
  if (known.length === 0) return 'no model was pushed yet';
  const close = closestName(model, known);
  return close === undefined ? 'flotilla model list shows what there is' : `did you mean ${close}?`;
}

export async function listVariants(
  db: Kysely<Database>,
  fleet: string,
  model: string,
  version: number,
): Promise<VariantRow[]> {
  return db
    .selectFrom('variants')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('model', '=', model)
    .where('version', '=', version)
    .orderBy('target')
    .orderBy('precision')
    .execute();
}
