import type { TufMetadata } from '@flotilla/protocol';

/** A bundle that the fleet's repository says may exist. */
export interface SignedTarget {
  /** TUF target path. */
  readonly path: string;
  /** Digest and length in bytes of the bundle's manifest. */
  readonly digest: string;
  readonly length: number;
}

/** Signs for a fleet: what may exist (TUF) and who gets it (director documents). */
export interface Trust {
  /** Makes the fleet's repository where it has none. Repeating it changes nothing. */
  createRepository(fleet: string): Promise<void>;
  /** The newest root, as signed: what a device trusts from its enrolment on. */
  root(fleet: string): Promise<Uint8Array>;
  metadata(fleet: string): Promise<TufMetadata>;
  /** Signs targets, snapshot and timestamp anew from all variants of the fleet. */
  publishTargets(fleet: string): Promise<void>;
  /** Signs anew what expires soon; called by a timer. */
  refresh(): Promise<void>;
  signDirector(order: {
    readonly fleet: string;
    readonly device: string;
    readonly generation: number;
    readonly revision: number;
    readonly targets: readonly SignedTarget[];
  }): Promise<Uint8Array>;
  signHalt(order: {
    readonly fleet: string;
    readonly generation: number;
    readonly counter: number;
    readonly halted: boolean;
  }): Promise<Uint8Array>;
}
