import type { CreateTableBuilder, Kysely } from 'kysely';
import type { SqlDialect } from '../dialect.ts';
import type { Database } from '../schema.ts';
import type { Migration } from './migration.ts';

type Column = 'key' | 'text' | 'bigint' | 'integer';

/** Columns by table in order; the first `keys` of them are the primary key. */
const TABLES: readonly { name: string; keys: number; columns: Readonly<Record<string, Column>> }[] =
  [
    {
      name: 'fleets',
      keys: 1,
      columns: {
        fleet: 'key',
        created_ms: 'bigint',
        generation: 'bigint',
        halted: 'integer',
        halt_counter: 'bigint',
        halt_signed: 'text',
      },
    },
    {
      name: 'devices',
      keys: 2,
      columns: {
        fleet: 'key',
        device: 'key',
        name: 'key',
        status: 'text',
        public_key: 'text',
        target: 'key',
        target_fixed: 'integer',
        tags: 'text',
        capabilities: 'text',
        agent_version: 'text',
        enrolled_ms: 'bigint',
        online: 'integer',
        connect_seq: 'bigint',
        last_seen_ms: 'bigint',
        active: 'text',
        digests: 'text',
        revision: 'bigint',
        edits: 'bigint',
      },
    },
    {
      name: 'claim_tokens',
      keys: 2,
      columns: {
        fleet: 'key',
        token: 'key',
        hash: 'key',
        label: 'text',
        uses_left: 'integer',
        expires_ms: 'bigint',
        tags: 'text',
        auto_accept: 'integer',
        created_ms: 'bigint',
      },
    },
    {
      name: 'user_tokens',
      keys: 2,
      columns: {
        fleet: 'key',
        token: 'key',
        hash: 'key',
        label: 'text',
        role: 'text',
        expires_ms: 'bigint',
        created_ms: 'bigint',
      },
    },
    {
      name: 'models',
      keys: 2,
      columns: { fleet: 'key', model: 'key', last_version: 'integer', created_ms: 'bigint' },
    },
    {
      name: 'versions',
      keys: 3,
      columns: {
        fleet: 'key',
        model: 'key',
        version: 'integer',
        status: 'text',
        source_digest: 'key',
        created_by: 'text',
        created_ms: 'bigint',
      },
    },
    {
      name: 'builds',
      keys: 2,
      columns: {
        fleet: 'key',
        build: 'key',
        model: 'key',
        version: 'integer',
        status: 'text',
        request: 'text',
        progress: 'text',
        error_code: 'text',
        error: 'text',
        created_ms: 'bigint',
        finished_ms: 'bigint',
      },
    },
    {
      name: 'variants',
      keys: 5,
      columns: {
        fleet: 'key',
        model: 'key',
        version: 'integer',
        target: 'key',
        precision: 'key',
        digest: 'key',
        manifest_bytes: 'integer',
        bytes: 'bigint',
        memory_bytes: 'bigint',
        opset: 'integer',
        target_path: 'key',
        within_budget: 'integer',
        report: 'text',
        created_ms: 'bigint',
      },
    },
    {
      name: 'blobs',
      keys: 2,
      columns: {
        fleet: 'key',
        digest: 'key',
        size: 'bigint',
        media_type: 'text',
        created_ms: 'bigint',
      },
    },
    {
      name: 'deployments',
      keys: 2,
      columns: {
        fleet: 'key',
        deployment: 'key',
        device: 'key',
        slot: 'key',
        role: 'text',
        model: 'key',
        version: 'integer',
        precision: 'text',
        digest: 'key',
        target_path: 'text',
        bytes: 'bigint',
        rollout: 'key',
        reason: 'text',
        attempt: 'integer',
        not_before_ms: 'bigint',
        not_after_ms: 'bigint',
        deadline_ms: 'bigint',
        watch_ms: 'integer',
        result: 'text',
        step: 'text',
        code: 'text',
        detail: 'text',
        created_ms: 'bigint',
        updated_ms: 'bigint',
      },
    },
    {
      name: 'slots',
      keys: 3,
      columns: {
        fleet: 'key',
        device: 'key',
        slot: 'key',
        mode: 'text',
        active: 'key',
        shadow: 'key',
        previous: 'key',
      },
    },
    {
      name: 'outboxes',
      keys: 3,
      columns: {
        fleet: 'key',
        device: 'key',
        outbox: 'key',
        ranges: 'text',
        updated_ms: 'bigint',
      },
    },
    {
      name: 'tuf_metadata',
      keys: 3,
      columns: {
        fleet: 'key',
        role: 'key',
        version: 'integer',
        body: 'text',
        expires_ms: 'bigint',
      },
    },
    {
      name: 'audit_log',
      keys: 2,
      columns: {
        fleet: 'key',
        seq: 'bigint',
        at_ms: 'bigint',
        actor: 'text',
        action: 'key',
        subject: 'key',
        detail: 'text',
        previous_hash: 'text',
        hash: 'text',
      },
    },
    {
      name: 'idempotency_keys',
      keys: 3,
      columns: {
        fleet: 'key',
        actor: 'key',
        key: 'key',
        request: 'text',
        status: 'integer',
        body: 'text',
        created_ms: 'bigint',
      },
    },
  ];

const INDEXES = [
  { name: 'claim_tokens_hash', table: 'claim_tokens', columns: ['hash'] },
  { name: 'user_tokens_hash', table: 'user_tokens', columns: ['hash'] },
  { name: 'builds_status', table: 'builds', columns: ['status'] },
  { name: 'variants_digest', table: 'variants', columns: ['fleet', 'digest'] },
  { name: 'deployments_device', table: 'deployments', columns: ['fleet', 'device', 'slot'] },
  { name: 'deployments_rollout', table: 'deployments', columns: ['fleet', 'rollout'] },
] as const;

/** Devices, models and their variants, deployments, metadata, tokens, the audit log. */
export const core: Migration = {
  name: '0001_core',
  async up(db, dialect) {
    for (const table of TABLES) await createTable(db, dialect, table);
    for (const index of INDEXES) {
      await db.schema
        .createIndex(index.name)
        .on(index.table)
        .columns([...index.columns])
        .execute();
    }
  },
};

async function createTable(
  db: Kysely<Database>,
  dialect: SqlDialect,
  table: (typeof TABLES)[number],
): Promise<void> {
  const names = Object.keys(table.columns);
  let create: CreateTableBuilder<string, string> = db.schema.createTable(table.name);
  for (const [name, type] of Object.entries(table.columns)) {
    create = create.addColumn(name, type === 'key' ? dialect.key : type, (c) => c.notNull());
  }
  await create.addPrimaryKeyConstraint(`${table.name}_key`, names.slice(0, table.keys)).execute();
}
