import type { Clock, Random, Transport } from '../../core/index.ts';

/** A result on its way. */
export interface Parcel {
  readonly id: string;
  /** The record as JSON, one line. */
  readonly json: string;
}

/** Where results go. */
export interface Sink {
  /** For people: what it writes to, without secrets. */
  readonly label: string;
  /** Parcels that one delivery takes. */
  readonly batch: number;
  /** How long parcels are gathered before a delivery. */
  readonly gatherMs: number;
  /** Parcels that may wait; the oldest of more is dropped. */
  readonly room: number;
  /** Deliveries of the same parcels before they are dropped. */
  readonly tries: number;
  /**
   * Resolves when all are where they belong.
   *
   * @throws FlotillaError `flow.sink-failed` to be tried again, `flow.sink-refused` not to be
   */
  deliver(parcels: readonly Parcel[], signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface SinkPorts {
  /** Paths are named from here. */
  readonly folder: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
}

export const DEFAULT_ROOM = 256;
export const DEFAULT_TRIES = 8;
