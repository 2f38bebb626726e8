import { join } from 'node:path';
import { sql } from 'kysely';
import { type OpenDatabase, openDatabase } from '../../../fleet-server/src/db/open.ts';
import { planWave } from '../../../fleet-server/src/rollouts/plan.ts';
import { gatherSnapshot } from '../../../fleet-server/src/rollouts/snapshot.ts';
import { readRollout } from '../../../fleet-server/src/rollouts/store.ts';
import { startTestServer, type TestServer } from '../../../fleet-server/src/testing/test-server.ts';
import { pushBundles } from '../../../fleet-server/src/testing/uploads.ts';
import { startPostgres } from '../../support/postgres.ts';
import { until } from '../../support/until.ts';
import { seedDevices, startTalk, TARGETS } from './crowd.ts';
import { type Held, measureHeld } from './held.ts';

/** What a rollout over many devices costs the server, from the request to the answer. */
export interface MembershipFigures {
  readonly dryRun: Held;
  readonly make: Held;
  /** Reading where the devices stand while the last wave is open, which has them all, and planning it. */
  readonly plan: Held;
  /** From the approval until the devices of the first wave are asked. */
  readonly wave: Held;
}

const FLEET = 'default';
const FIRST_WAVE = 1000;
const LONGEST_MS = 120_000;

/** On both databases; on SQLite alone where PostgreSQL is not installed. */
export async function measureMemberships(
  devices: number,
): Promise<{ sqlite: MembershipFigures; postgres?: MembershipFigures }> {
  const sqlite = await measureMembership(devices, '');
  const postgres = await startPostgres();
  if (postgres === undefined) return { sqlite };
  try {
    return { sqlite, postgres: await measureMembership(devices, await postgres.createDatabase()) };
  } finally {
    await postgres.stop();
  }
}

/** @param database URL of PostgreSQL; empty: SQLite */
async function measureMembership(devices: number, database: string): Promise<MembershipFigures> {
  const server = await startTestServer({ database });
  const file = join(server.data, 'fleet.db');
  const beside = await openDatabase(
    database === '' ? { kind: 'sqlite', file } : { kind: 'postgres', url: database },
  );
  const talk = await startTalk(server);
  try {
    await pushBundles(server, 1, TARGETS);
    await seedDevices(beside, FLEET, devices);
    // as PostgreSQL itself does a minute later
    if (database !== '') await sql`analyze`.execute(beside.db);
    return await measure(server, beside, Math.min(FIRST_WAVE, devices / 10));
  } finally {
    await talk.stop();
    await beside.close();
    await server.stop();
  }
}

async function measure(
  server: TestServer,
  { db }: OpenDatabase,
  first: number,
): Promise<MembershipFigures> {
  // the first wave waits for an approval, so that nothing goes on before the plan is measured
  const pace = { approval: 'start', waves: [String(first), '100%'] };
  const request = { model: 'parts', version: 1, ...pace };
  const { held: dryRun } = await measureHeld(() => post(server, '/rollouts?dryRun=true', request));
  const { held: make, result } = await measureHeld(() => post(server, '/rollouts', request));
  const id = String(result.id);
  const { held: plan } = await measureHeld(async () => {
    const rollout = { ...(await readRollout(db, FLEET, id)), wave: 1 };
    const actions = planWave(await gatherSnapshot(db, rollout, [], Date.now()), Date.now());
    if (actions[0]?.kind !== 'deploy') throw new Error(`it plans ${JSON.stringify(actions)}`);
  });
  const { held: wave } = await measureHeld(async () => {
    await post(server, `/rollouts/${id}/approve`, {});
    await until('the first wave is asked', () => isAsked(server, first), LONGEST_MS);
  });
  return { dryRun, make, plan, wave };
}

async function post(server: TestServer, path: string, request: object) {
  const { status, body } = await server.call('POST', path, request);
  if (status >= 300) throw new Error(`POST ${path}: ${status} ${JSON.stringify(body)}`);
  return body;
}

async function isAsked(server: TestServer, devices: number): Promise<boolean> {
  const { body } = await server.call('GET', '/rollouts?limit=1');
  const [{ counts }] = body.items as unknown as [{ counts: Record<string, number> }];
  return (counts.sent ?? 0) + (counts['in-progress'] ?? 0) >= devices;
}
