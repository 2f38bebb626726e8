import type { Migration } from './migration.ts';
import { createTables, type TableSpec } from './tables.ts';

const TABLES: readonly TableSpec[] = [
  {
    name: 'telemetry_windows',
    keys: 4,
    columns: {
      fleet: 'key',
      device: 'key',
      start_ms: 'bigint',
      window: 'key',
      length_ms: 'integer',
      slot: 'key',
      deployment: 'key',
      digest: 'key',
      model: 'key',
      version: 'integer',
      inferences: 'bigint',
      errors: 'bigint',
      body: 'bytes',
      received_ms: 'bigint',
    },
  },
  {
    name: 'telemetry_latest',
    keys: 3,
    columns: {
      fleet: 'key',
      device: 'key',
      slot: 'key',
      deployment: 'key',
      model: 'key',
      version: 'integer',
      window_end_ms: 'bigint',
      length_ms: 'integer',
      inferences: 'bigint',
      errors: 'bigint',
      p50_ms: 'real',
      p95_ms: 'real',
      confidence: 'real',
      drifted: 'integer',
      rss_bytes: 'bigint',
      temperature_c: 'real',
      throttled: 'integer',
    },
  },
  {
    name: 'telemetry_rollups',
    keys: 7,
    columns: {
      fleet: 'key',
      scope: 'key',
      subject: 'key',
      model: 'key',
      version: 'integer',
      grain_ms: 'integer',
      start_ms: 'bigint',
      inferences: 'bigint',
      errors: 'bigint',
      body: 'bytes',
    },
  },
  {
    name: 'drift_cursors',
    keys: 4,
    columns: {
      fleet: 'key',
      model: 'key',
      version: 'integer',
      length_ms: 'integer',
      judged_until_ms: 'bigint',
    },
  },
  {
    name: 'drift_states',
    keys: 4,
    columns: {
      fleet: 'key',
      model: 'key',
      version: 'integer',
      device: 'key',
      profile: 'key',
      features: 'text',
      updated_ms: 'bigint',
    },
  },
  {
    name: 'alerts',
    keys: 2,
    columns: {
      fleet: 'key',
      alert: 'key',
      kind: 'key',
      scope: 'key',
      device: 'key',
      model: 'key',
      version: 'integer',
      feature: 'key',
      state: 'key',
      since_ms: 'bigint',
      closed_ms: 'bigint',
      statistic: 'real',
      threshold: 'real',
      sentence: 'text',
      data: 'text',
    },
  },
];

const INDEXES = [
  {
    name: 'telemetry_windows_version',
    table: 'telemetry_windows',
    columns: ['fleet', 'model', 'version', 'start_ms'],
  },
  { name: 'telemetry_windows_start', table: 'telemetry_windows', columns: ['start_ms'] },
  {
    name: 'telemetry_rollups_start',
    table: 'telemetry_rollups',
    columns: ['grain_ms', 'start_ms'],
  },
  { name: 'alerts_state', table: 'alerts', columns: ['fleet', 'state'] },
];

/** Raw windows, the newest of each slot, roll-ups by minute and hour, drift and alerts. */
export const telemetry: Migration = {
  name: '0003_telemetry',
  up: (db, dialect) => createTables(db, dialect, TABLES, INDEXES),
};
