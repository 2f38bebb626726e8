import type { Migration } from './migration.ts';
import { createTables } from './tables.ts';

/** What was made, or found not worth it, for devices that have one blob and need another. */
export const deltas: Migration = {
  name: '0007_deltas',
  up: (db, dialect) =>
    createTables(
      db,
      dialect,
      [
        {
          name: 'deltas',
          keys: 3,
          columns: {
            fleet: 'key',
            from_digest: 'key',
            to_digest: 'key',
            delta: 'key',
            size: 'bigint',
            reason: 'text',
            used_ms: 'bigint',
          },
        },
      ],
      [{ name: 'deltas_used', table: 'deltas', columns: ['used_ms'] }],
    ),
};
