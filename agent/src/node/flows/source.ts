import type { Readable } from 'node:stream';
import type { InputSpec } from '@flotilla/model';
import type { Clock, Transport } from '../../core/index.ts';
import type { Item } from './inlet.ts';

/** Something on the device that gives items to infer on. */
export interface Source {
  /** For people: what it reads, without secrets. */
  readonly label: string;
  /** Items that may wait; the oldest of more is dropped, unless the source is lossless. */
  readonly room: number;
  /** It waits for inference, and loses nothing. */
  readonly lossless: boolean;
  /**
   * Gives items until the signal aborts or, as a file does, it is at its end.
   *
   * @throws whatever ended it; it is then run again after a while
   */
  run(output: SourceOutput, signal: AbortSignal): Promise<void>;
}

export interface SourceOutput {
  /** Resolves when the source may go on. */
  emit(item: Item): Promise<void>;
  /** Tells of something that became no item, such as a broken row: counted as failed. */
  refuse(label: string, error: unknown): void;
}

export interface SourcePorts {
  /** Paths are named from here. */
  readonly folder: string;
  readonly clock: Clock;
  readonly transport: Transport;
  readonly stdin: () => Readable;
  /** The input that it gives items for, of the model that is in the slot now. */
  readonly input: () => InputSpec;
}

/** The time of an item that is whole now. */
export const stamp = ({ clock }: Pick<SourcePorts, 'clock'>) => ({
  monotonicMs: clock.monotonic(),
  atMs: clock.now(),
});
