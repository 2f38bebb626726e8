import type { Migration } from './migration.ts';
import { createTables, type TableSpec } from './tables.ts';

const TABLES: readonly TableSpec[] = [
  {
    name: 'rollouts',
    keys: 2,
    columns: {
      fleet: 'key',
      rollout: 'key',
      model: 'key',
      version: 'integer',
      slot: 'key',
      selector: 'text',
      state: 'key',
      halted_by: 'text',
      sentence: 'text',
      wave: 'integer',
      sizes: 'text',
      settings: 'text',
      created_by: 'text',
      created_ms: 'bigint',
      ended_ms: 'bigint',
    },
  },
  {
    name: 'rollout_members',
    keys: 3,
    columns: {
      fleet: 'key',
      rollout: 'key',
      device: 'key',
      position: 'integer',
      state: 'key',
      reason: 'text',
      digest: 'key',
      precision: 'text',
      target_path: 'text',
      bytes: 'bigint',
      deployment: 'key',
      attempt: 'integer',
      started: 'integer',
      retryable: 'integer',
      step: 'text',
      code: 'text',
      detail: 'text',
      bytes_done: 'bigint',
      bytes_total: 'bigint',
      base_digest: 'key',
      base_version: 'integer',
      sent_ms: 'bigint',
      ended_ms: 'bigint',
      back: 'key',
      back_state: 'key',
      back_attempt: 'integer',
      back_detail: 'text',
      back_ended_ms: 'bigint',
    },
  },
  {
    name: 'rollout_claims',
    keys: 3,
    columns: { fleet: 'key', device: 'key', slot: 'key', rollout: 'key' },
  },
  {
    name: 'rollout_verdicts',
    keys: 4,
    columns: {
      fleet: 'key',
      rollout: 'key',
      wave: 'integer',
      gate: 'key',
      state: 'text',
      sentence: 'text',
      numbers: 'text',
      judged_ms: 'bigint',
    },
  },
  {
    name: 'rollout_events',
    keys: 3,
    columns: {
      fleet: 'key',
      rollout: 'key',
      event: 'key',
      at_ms: 'bigint',
      kind: 'text',
      sentence: 'text',
    },
  },
];

const INDEXES = [
  { name: 'rollouts_state', table: 'rollouts', columns: ['state'] },
  { name: 'rollout_claims_rollout', table: 'rollout_claims', columns: ['fleet', 'rollout'] },
  { name: 'rollout_members_device', table: 'rollout_members', columns: ['fleet', 'device'] },
];

/** Rollouts, their devices, what holds a slot, verdicts of the gates, and what happened. */
export const rollouts: Migration = {
  name: '0002_rollouts',
  up: (db, dialect) => createTables(db, dialect, TABLES, INDEXES),
};
