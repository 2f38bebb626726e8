import type { Outcome, Stamp, Sync, Window } from '@flotilla/protocol';
import type { Kysely, Selectable } from 'kysely';
import type { Database, DeploymentsTable } from '../db/schema.ts';
import type { Addition } from '../telemetry/rollups.ts';

/** Where a record came from. */
export interface RecordSource {
  readonly fleet: string;
  readonly device: string;
  /** By the device's clocks. */
  readonly at: Stamp;
  readonly receivedMs: number;
  /** `sync`: the device repeated an outcome when it connected; it may have been seen before. */
  readonly via: 'outbox' | 'sync';
}

/** How a record was taken in. `after` runs once it is on the disk, `rollUp` is added to the sums. */
export type Ingested =
  | { readonly stored: true; readonly after?: () => void; readonly rollUp?: Addition }
  | { readonly stored: false; readonly code: string };

/**
 * What rollouts and telemetry do with a record, in the transaction that marks it as stored. They
 * write only through `trx`, decide before they write, and throw only what makes the whole record be
 * sent again (a failing database).
 */
export interface IngestHandlers {
  /**
   * `deployment` is the row with the outcome already in it. Outcomes of unknown deployments, of
   * attempts already passed and repeated ones do not come here.
   */
  outcome(
    trx: Kysely<Database>,
    source: RecordSource,
    outcome: Outcome,
    deployment: Selectable<DeploymentsTable>,
  ): Promise<Ingested>;
  window(trx: Kysely<Database>, source: RecordSource, window: Window): Promise<Ingested>;
  /** Adds what windows of the transaction have in common to its rows, once for all of them. */
  rollUp(trx: Kysely<Database>, additions: readonly Addition[]): Promise<void>;
  /** What a device runs, as it says when it connects, after the outcomes that it repeats. */
  running(trx: Kysely<Database>, source: RecordSource, sync: Sync): Promise<Ingested>;
}
