import { core } from './0001_core.ts';
import { rollouts } from './0002_rollouts.ts';
import { telemetry } from './0003_telemetry.ts';
import { agents } from './0004_agents.ts';
import { selfTest } from './0005_self_test.ts';
import { downloads } from './0006_downloads.ts';
import { deltas } from './0007_deltas.ts';
import { strategies } from './0008_strategies.ts';
import type { Migration } from './migration.ts';

export type { Migration } from './migration.ts';

/** Every step of the schema, in order. */
export const MIGRATIONS: readonly Migration[] = [
  core,
  rollouts,
  telemetry,
  agents,
  selfTest,
  downloads,
  deltas,
  strategies,
];
