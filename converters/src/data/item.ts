import type { Tensor } from '@flotilla/model';

/** What one sample feeds to the pipeline: by input name, an encoded image or a tensor. */
export type RawSample = Readonly<Record<string, Uint8Array | Tensor>>;

/** One sample; its content is read when it is asked for. */
export interface DataItem {
  /** File name in its folder, or array and row: stable, so that draws by name repeat. */
  readonly name: string;
  /** Path of the file, and the row in it, for messages. */
  readonly where: string;
  /** Class index, where the data says it. */
  readonly label: number | undefined;
  readonly slices: Readonly<Record<string, string>>;
  load(): Promise<RawSample>;
}

export interface DataSet {
  readonly path: string;
  readonly items: readonly DataItem[];
  readonly warnings: readonly string[];
}

/** Encoded files that feed an input: it takes arrays beside them, or nothing else. */
export type Encoded = 'images' | 'sound' | 'none';

/** What the model says of itself that decides how data is read. */
export interface DataReading {
  /** Names of the inputs that samples feed; images and single arrays feed the first. */
  readonly inputs: readonly string[];
  /** What encoded files feed the first of them; images where nothing is said. */
  readonly encoded?: Encoded | undefined;
  /** Names of further inputs, which an `.npz` file may hold: states, zero where it does not. */
  readonly optional?: readonly string[] | undefined;
  /** Class names in order, for labels given by name. */
  readonly labels?: readonly string[] | undefined;
  /** Columns of `labels.csv` that are slices. */
  readonly slices?: readonly string[] | undefined;
}
