import type { TufMetadata } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import type { Database, TufMetadataTable } from '../db/schema.ts';

type Role = TufMetadataTable['role'];
type Db = Kysely<Database>;

const utf8 = new TextEncoder();

export async function fleetsWithRoot(db: Db): Promise<string[]> {
  const rows = await db
    .selectFrom('tuf_metadata')
    .select('fleet')
    .distinct()
    .where('role', '=', 'root')
    .execute();
  return rows.map((row) => row.fleet);
}

/** Every root of a fleet, oldest first. */
export async function readRoots(db: Db, fleet: string): Promise<Uint8Array[]> {
  const rows = await db
    .selectFrom('tuf_metadata')
    .select('body')
    .where('fleet', '=', fleet)
    .where('role', '=', 'root')
    .orderBy('version')
    .execute();
  return rows.map((row) => utf8.encode(row.body));
}

export async function readRepository(db: Db, fleet: string): Promise<TufMetadata | undefined> {
  const rows = await db
    .selectFrom('tuf_metadata')
    .select(['role', 'body'])
    .where('fleet', '=', fleet)
    .orderBy('version')
    .execute();
  const newest = (role: Role) => rows.findLast((row) => row.role === role)?.body;
  const [timestamp, snapshot, targets] = [
    newest('timestamp'),
    newest('snapshot'),
    newest('targets'),
  ];
  if (timestamp === undefined || snapshot === undefined || targets === undefined) return undefined;
  return {
    root: rows.filter((row) => row.role === 'root').map((row) => utf8.encode(row.body)),
    timestamp: utf8.encode(timestamp),
    snapshot: utf8.encode(snapshot),
    targets: utf8.encode(targets),
  };
}

interface Listed {
  readonly version: number;
  /** A fleet that is made anew counts its versions from the first again. */
  readonly expiresMs: number;
  readonly digests: ReadonlyMap<string, string>;
}

/** By fleet, as last read: dry runs that follow each key that is pressed must not parse it each time. */
const listedIn = new WeakMap<Db, Map<string, Listed>>();

/** Digests of the manifests that the fleet's targets metadata lists, by target path. */
export async function listedTargets(db: Db, fleet: string): Promise<ReadonlyMap<string, string>> {
  const newest = db
    .selectFrom('tuf_metadata')
    .select(['version', 'expires_ms'])
    .where('fleet', '=', fleet)
    .where('role', '=', 'targets')
    .orderBy('version', 'desc')
    .limit(1);
  const fleets = listedIn.get(db) ?? new Map<string, Listed>();
  listedIn.set(db, fleets);
  const known = fleets.get(fleet);
  const now = await newest.executeTakeFirst();
  if (known && known.version === now?.version && known.expiresMs === now.expires_ms) {
    return known.digests;
  }
  const row = await newest.select('body').executeTakeFirst();
  if (row === undefined) return new Map();
  const { signed } = JSON.parse(row.body) as TargetsDocument;
  const digests = new Map(
    Object.entries(signed.targets).map(([path, { hashes }]) => [path, `sha256:${hashes.sha256}`]),
  );
  fleets.set(fleet, { version: row.version, expiresMs: row.expires_ms, digests });
  return digests;
}

interface TargetsDocument {
  readonly signed: {
    readonly targets: Readonly<Record<string, { readonly hashes: { readonly sha256: string } }>>;
  };
}

/** Keeps every root; of the other roles only what is given here stays. */
export async function writeRepository(
  trx: Db,
  fleet: string,
  metadata: TufMetadata,
): Promise<void> {
  await trx
    .deleteFrom('tuf_metadata')
    .where('fleet', '=', fleet)
    .where('role', '!=', 'root')
    .execute();
  const { targets, snapshot, timestamp } = metadata;
  const rows = [
    ...metadata.root.map((bytes) => rowOf(fleet, 'root', bytes)),
    rowOf(fleet, 'targets', targets),
    rowOf(fleet, 'snapshot', snapshot),
    rowOf(fleet, 'timestamp', timestamp),
  ];
  await trx
    .insertInto('tuf_metadata')
    .values(rows)
    .onConflict((on) => on.columns(['fleet', 'role', 'version']).doNothing())
    .execute();
}

function rowOf(fleet: string, role: Role, bytes: Uint8Array): TufMetadataTable {
  const body = new TextDecoder().decode(bytes);
  const { signed } = JSON.parse(body) as { signed: { version: number; expires: string } };
  return { fleet, role, version: signed.version, body, expires_ms: Date.parse(signed.expires) };
}

/** Fleets of which one of these roles expires before that time. */
export async function expiresBefore(
  db: Db,
  ms: number,
  roles: readonly Role[] = ['timestamp', 'snapshot'],
): Promise<string[]> {
  const rows = await db
    .selectFrom('tuf_metadata')
    .select('fleet')
    .distinct()
    .where('role', 'in', roles)
    .where('expires_ms', '<', ms)
    .execute();
  return rows.map((row) => row.fleet);
}
