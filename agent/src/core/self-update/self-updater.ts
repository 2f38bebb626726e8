import type { Place } from './launch-state.ts';

/** What a release says of itself when it is started for a check. */
export interface CheckedRelease {
  readonly version: string;
  readonly protocolMinor: number;
}

/** Where this agent's own program lies, and what can be put beside it. */
export interface SelfUpdater {
  /** Why this agent cannot be replaced by another; undefined where a launcher started it. */
  readonly obstacle: string | undefined;
  readonly place: Place;
  /** Of the trial that this agent was started for. */
  readonly trial: string | undefined;
  /** What it runs on, as a release names it: `linux-arm64`. */
  readonly platform: string;
  readonly libc: string;
  /**
   * Unpacks layers, files of the storage, into a place that it empties first; all is on the medium
   * when it returns.
   *
   * @throws FlotillaError `bundle.invalid`
   */
  install(
    place: Place,
    layers: readonly string[],
    limits: { readonly files: number; readonly unpackedBytes: number },
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * Starts what lies there in a child process with limits, on this device's data.
   *
   * @throws FlotillaError `update.check-failed`
   */
  check(place: Place, signal: AbortSignal): Promise<CheckedRelease>;
  /** Nothing happens where nothing lies there. */
  discard(place: Place): Promise<void>;
  /** Asks for the end of this process, after which the launcher starts what the file names. */
  relaunch(): void;
}
