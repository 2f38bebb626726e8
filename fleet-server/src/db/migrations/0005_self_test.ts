import type { Migration } from './migration.ts';

/** What a device measured of a model before it activated it. */
export const selfTest: Migration = {
  name: '0005_self_test',
  async up(db) {
    await db.schema
      .alterTable('deployments')
      .addColumn('self_test', 'text', (column) => column.notNull().defaultTo(''))
      .execute();
  },
};
