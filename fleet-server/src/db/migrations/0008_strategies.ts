import type { Kysely } from 'kysely';
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
    columns: ['fleet', 'rollout', 'state', 'position'],
  },
  {
    name: 'rollout_members_back',
    table: 'rollout_members',
    columns: ['fleet', 'rollout', 'back_state'],
  },
];

type Column = readonly [table: string, name: string, type: 'key' | 'text' | 'integer' | 'bigint'];

const COLUMNS: readonly Column[] = [
  ['devices', 'time_zone', 'text'],
  ['devices', 'unclean_starts', 'integer'],
  ['rollouts', 'kind', 'key'],
  ['rollouts', 'priority', 'integer'],
  ['rollouts', 'approved_wave', 'integer'],
  ['rollouts', 'opened_ms', 'bigint'],
  ['rollouts', 'parent', 'key'],
  ['rollout_members', 'stratum', 'text'],
  ['rollout_members', 'arm', 'key'],
  ['rollout_members', 'rung', 'integer'],
  ['rollout_members', 'ladder', 'text'],
  ['rollout_members', 'joined_ms', 'bigint'],
  ['rollout_members', 'base_unclean_starts', 'integer'],
  ['deployments', 'purpose', 'key'],
];

/** Groups, measurements of variants, and what rollouts need to go by rates, windows and approvals. */
export const strategies: Migration = {
  name: '0008_strategies',
  async up(db, dialect) {
    for (const column of COLUMNS) await addColumn(db, dialect, column);
    await createTables(db, dialect, TABLES, INDEXES);
  },
};

async function addColumn(db: Kysely<Database>, dialect: SqlDialect, [table, name, type]: Column) {
  const isText = type === 'key' || type === 'text';
  await db.schema
    .alterTable(table)
    .addColumn(name, type === 'key' ? dialect.key : type, (column) =>
      column.notNull().defaultTo(isText ? '' : 0),
    )
    .execute();
}
