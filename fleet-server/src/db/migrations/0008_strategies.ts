import { type Kysely, sql } from 'kysely';
import type { SqlDialect } from '../dialect.ts';
import type { Database } from '../schema.ts';
import type { Migration } from './migration.ts';
import { createTables, type TableSpec } from './tables.ts';

const TABLES: readonly TableSpec[] = [
  {
    name: 'device_groups',
    keys: 2,
    columns: {
      fleet: 'key',
      name: 'key',
      kind: 'key',
      selector: 'text',
      created_by: 'text',
      created_ms: 'bigint',
    },
  },
  {
    name: 'device_group_members',
    keys: 3,
    columns: { fleet: 'key', name: 'key', device: 'key' },
  },
  {
    name: 'measurements',
    keys: 3,
    columns: {
      fleet: 'key',
      digest: 'key',
      device: 'key',
      model: 'key',
      version: 'integer',
      target: 'key',
      precision: 'key',
      p50_ms: 'real',
      p95_ms: 'real',
      rss_bytes: 'bigint',
      runtime: 'text',
      provider: 'text',
      code: 'text',
      detail: 'text',
      at_ms: 'bigint',
    },
  },
  {
    name: 'lab_runs',
    keys: 2,
    columns: {
      fleet: 'key',
      run: 'key',
      model: 'key',
      version: 'integer',
      selector: 'text',
      state: 'key',
      timeout_ms: 'bigint',
      created_by: 'text',
      created_ms: 'bigint',
      ended_ms: 'bigint',
    },
  },
  {
    name: 'lab_orders',
    keys: 4,
    columns: {
      fleet: 'key',
      run: 'key',
      device: 'key',
      digest: 'key',
      position: 'integer',
      target: 'key',
      precision: 'key',
      state: 'key',
      started: 'integer',
      retryable: 'integer',
      deployment: 'key',
      attempt: 'integer',
      code: 'text',
      detail: 'text',
      sent_ms: 'bigint',
      ended_ms: 'bigint',
    },
  },
];

const INDEXES = [
  // a device that enrolls may be one that is known: among many, none should be looked through
  { name: 'devices_public_key', table: 'devices', columns: ['fleet', 'public_key'] },
  {
    name: 'device_group_members_device',
    table: 'device_group_members',
    columns: ['fleet', 'device'],
  },
  { name: 'measurements_version', table: 'measurements', columns: ['fleet', 'model', 'version'] },
  { name: 'lab_runs_version', table: 'lab_runs', columns: ['fleet', 'model', 'version'] },
  { name: 'lab_orders_deployment', table: 'lab_orders', columns: ['fleet', 'deployment'] },
  {
    name: 'rollout_members_state',
    table: 'rollout_members',
    columns: ['fleet', 'rollout', 'state', 'position', 'time_zone'],
  },
  {
    name: 'rollout_members_position',
    table: 'rollout_members',
    columns: ['fleet', 'rollout', 'position', 'device'],
  },
];

/** Of the few rows that a plan looks for among many; a query must state the condition word for word. */
const PARTIAL_INDEXES = [
  { name: 'rollout_members_due', columns: ['fleet', 'rollout', 'due_ms'], where: 'due_ms > 0' },
  {
    name: 'rollout_members_ended',
    columns: ['fleet', 'rollout', 'ended_ms'],
    where: 'ended_ms > 0',
  },
  {
    name: 'rollout_members_asked',
    columns: ['fleet', 'rollout', 'back_state', 'position'],
    where: "deployment <> ''",
  },
];

type Column = readonly [table: string, name: string, type: ColumnType];
type ColumnType = 'key' | 'text' | 'integer' | 'bigint' | 'real';

const COLUMNS: readonly Column[] = [
  ['devices', 'time_zone', 'text'],
  ['devices', 'unclean_starts', 'integer'],
  ['rollouts', 'kind', 'key'],
  ['rollouts', 'priority', 'integer'],
  ['rollouts', 'approved_wave', 'integer'],
  ['rollouts', 'accepted_gates', 'text'],
  ['rollouts', 'parent', 'key'],
  ['rollouts', 'rate_ms', 'bigint'],
  ['rollout_members', 'stratum', 'text'],
  ['rollout_members', 'arm', 'key'],
  ['rollout_members', 'rung', 'integer'],
  ['rollout_members', 'ladder', 'text'],
  ['rollout_members', 'base_unclean_starts', 'integer'],
  ['rollout_members', 'due_ms', 'bigint'],
  ['rollout_members', 'strikes', 'integer'],
  ['rollout_members', 'time_zone', 'key'],
  ['rollout_members', 'base_drifted', 'integer'],
  ['rollout_members', 'tolerance_used', 'real'],
  ['deployments', 'purpose', 'key'],
];

/** Groups, measurements of variants, and what rollouts need to go by rates, windows and approvals. */
export const strategies: Migration = {
  name: '0008_strategies',
  async up(db, dialect) {
    for (const column of COLUMNS) await addColumn(db, dialect, column);
    await createTables(db, dialect, TABLES, INDEXES);
    for (const { name, columns, where } of PARTIAL_INDEXES) {
      const index = db.schema.createIndex(name).on('rollout_members').columns(columns);
      await index.where(sql<boolean>`${sql.raw(where)}`).execute();
    }
    await scheduleUnderWay(db);
  },
};

type Timing = Record<'deadlineMs' | 'maxAttempts' | 'retryMs', number>;

/** Attempts that are under way get the deadline, and failed ones the pause, that they had by their settings. */
async function scheduleUnderWay(db: Kysely<Database>): Promise<void> {
  const rollouts = await db
    .selectFrom('rollouts')
    .select(['fleet', 'rollout', 'settings'])
    .where('ended_ms', '=', 0)
    .execute();
  for (const { fleet, rollout, settings } of rollouts) {
    const { deadlineMs, maxAttempts, retryMs } = JSON.parse(settings) as Timing;
    const members = db
      .updateTable('rollout_members')
      .where('fleet', '=', fleet)
      .where('rollout', '=', rollout);
    await members
      .set({ due_ms: sql<number>`sent_ms + ${deadlineMs}` })
      .where('state', 'in', ['sent', 'in-progress'])
      .where('back_state', '=', 'none')
      .execute();
    await members
      .set({ due_ms: sql<number>`ended_ms + ${retryMs}` })
      .where('state', '=', 'failed')
      .where('retryable', '=', 1)
      .where('attempt', '<', maxAttempts)
      .where('back_state', '=', 'none')
      .execute();
    await members
      .set({ due_ms: sql<number>`back_ended_ms + ${retryMs}` })
      .where('back_state', '=', 'failed')
      .where('back_attempt', '<', 5)
      .execute();
  }
}

async function addColumn(db: Kysely<Database>, dialect: SqlDialect, [table, name, type]: Column) {
  const isText = type === 'key' || type === 'text';
  await db.schema
    .alterTable(table)
    .addColumn(name, type === 'key' ? dialect.key : type, (column) =>
      column.notNull().defaultTo(isText ? '' : 0),
    )
    .execute();
}
