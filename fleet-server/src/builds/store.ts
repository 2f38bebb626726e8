import { type FlotillaError, newId } from '@flotilla/protocol';
import type { Kysely, Selectable } from 'kysely';
import type { BuildsTable, Database } from '../db/schema.ts';

export type BuildRow = Selectable<BuildsTable>;
type Db = Kysely<Database>;

/** What the builder was asked to make of a model. */
export interface BuildRequest {
  readonly targets: readonly string[];
  readonly precisions: readonly string[] | 'auto';
  /** Largest net loss of accuracy, a fraction; left out: what the model spec says. */
  readonly maxDrop?: number;
}

export async function insertBuild(
  trx: Db,
  order: {
    readonly fleet: string;
    readonly model: string;
    readonly version: number;
    readonly request: BuildRequest;
    readonly status: BuildRow['status'];
    /** Chosen by the caller where a folder bears it already. */
    readonly build?: string;
  },
  now: number,
): Promise<BuildRow> {
  const { fleet, model, version, status, request } = order;
  const row: BuildRow = {
    fleet,
    build: order.build ?? newId(now),
    model,
    version,
    status,
    request: JSON.stringify(request),
    progress: '{}',
    result: '{}',
    error_code: '',
    error: '',
    created_ms: now,
    finished_ms: status === 'succeeded' ? now : 0,
  };
  await trx.insertInto('builds').values(row).execute();
  return row;
}

export async function setBuild(
  trx: Db,
  build: Pick<BuildRow, 'fleet' | 'build'>,
  change: Partial<
    Pick<BuildRow, 'status' | 'progress' | 'result' | 'error_code' | 'error' | 'finished_ms'>
  >,
): Promise<void> {
  await trx
    .updateTable('builds')
    .set(change)
    .where('fleet', '=', build.fleet)
    .where('build', '=', build.build)
    .execute();
}

export async function setVersionStatus(
  trx: Db,
  { fleet, model, version }: Pick<BuildRow, 'fleet' | 'model' | 'version'>,
  status: 'ready' | 'failed',
): Promise<void> {
  await trx
    .updateTable('versions')
    .set({ status })
    .where('fleet', '=', fleet)
    .where('model', '=', model)
    .where('version', '=', version)
    .execute();
}

/** A build and its version come to nothing, for a reason in one line. */
export async function failBuild(
  db: Db,
  build: BuildRow,
  error: FlotillaError,
  now: number,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const change = { status: 'failed', error_code: error.code, error: error.message } as const;
    await setBuild(trx, build, { ...change, finished_ms: now });
    await setVersionStatus(trx, build, 'failed');
  });
}

/** Builds that a stop or a crash cut short, oldest first. */
export async function unfinishedBuilds(db: Db): Promise<BuildRow[]> {
  return db
    .selectFrom('builds')
    .selectAll()
    .where('status', 'in', ['queued', 'running'])
    .orderBy('build')
    .execute();
}

export async function newestBuild(
  db: Db,
  fleet: string,
  model: string,
  version: number,
): Promise<BuildRow | undefined> {
  return db
    .selectFrom('builds')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('model', '=', model)
    .where('version', '=', version)
    .orderBy('build', 'desc')
    .limit(1)
    .executeTakeFirst();
}
