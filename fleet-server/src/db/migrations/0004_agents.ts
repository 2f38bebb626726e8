import type { Migration } from './migration.ts';

/** Which minor of the protocol the agent of each device speaks; those that never said speak 0. */
export const agents: Migration = {
  name: '0004_agents',
  async up(db) {
    await db.schema
      .alterTable('devices')
      .addColumn('protocol_minor', 'integer', (column) => column.notNull().defaultTo(0))
      .execute();
  },
};
