import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import type { Changes } from './changes.ts';
import type { ServerConfig } from './config.ts';
import type { SqlDialect, TransactAll } from './db/dialect.ts';
import type { Database } from './db/schema.ts';
import type { Broker } from './mqtt/port.ts';
import type { ArtifactStore } from './registry/artifacts.ts';
import type { Trust } from './trust/trust.ts';

/** What every part of the server stands on; each function says with `Pick` what it takes of it. */
export interface ServerContext {
  readonly config: ServerConfig;
  readonly log: Logger;
  readonly db: Kysely<Database>;
  readonly dialect: SqlDialect;
  readonly transactAll: TransactAll['transactAll'];
  /** Wall-clock milliseconds since 1970 UTC. */
  readonly now: () => number;
  readonly changes: Changes;
  readonly broker: Broker;
  readonly artifacts: ArtifactStore;
  readonly trust: Trust;
  /** URL of the HTTP API as devices reach it, without a slash at the end. */
  readonly apiUrl: () => string;
  /** URL of the broker as devices reach it. */
  readonly mqttUrl: () => string;
  /** Of this running server: names it in `all/down/server/{instance}` and in event ids. */
  readonly instance: string;
}
