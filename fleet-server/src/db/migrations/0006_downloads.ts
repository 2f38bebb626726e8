import type { Migration } from './migration.ts';
import { createTables } from './tables.ts';

/** What devices may download over which links, and what their downloads took. */
export const downloads: Migration = {
  name: '0006_downloads',
  async up(db, dialect) {
    await createTables(
      db,
      dialect,
      [
        {
          name: 'download_policies',
          keys: 2,
          columns: { fleet: 'key', device: 'key', policy: 'text' },
        },
      ],
      [],
    );
    await db.schema
      .alterTable('deployments')
      .addColumn('transfer', 'text', (column) => column.notNull().defaultTo(''))
      .execute();
  },
};
