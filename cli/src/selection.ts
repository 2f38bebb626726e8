/** What the server says of a selector. */
export interface Selection {
  readonly devices: readonly string[];
  /** Devices of the fleet. */
  readonly total: number;
  /** Why it matches none; empty where it matches some. */
  readonly note: string;
}

/** Query of a list of devices; empty where no selector was given. */
export const selectorQuery = (selector: string | undefined): string =>
  selector === undefined ? '' : `?selector=${encodeURIComponent(selector)}`;
