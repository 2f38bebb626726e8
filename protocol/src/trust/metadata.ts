/** Signed metadata of a fleet's repository, each file's bytes as signed (TUF 1.0 §4). */
export interface TufMetadata {
  /** Chain of roots, oldest first; the last is the newest. */
  readonly root: readonly Uint8Array[];
  readonly timestamp: Uint8Array;
  readonly snapshot: Uint8Array;
  readonly targets: Uint8Array;
}

/** What a device trusts, kept as JSON between starts. */
export interface TrustedState {
  /** Text of the newest root that was verified. */
  readonly root: string;
  readonly timestampVersion: number;
  readonly snapshotVersion: number;
  readonly targetsVersion: number;
  /** Of the last director document that was taken. */
  readonly directorVersion: number;
  /** Highest security epoch ever demanded, by model. */
  readonly epochs?: Readonly<Record<string, number>>;
}

/** A bundle that the repository says may exist. */
export interface RepositoryTarget {
  /** Bytes of the bundle's manifest. */
  readonly length: number;
  /** Of the bundle's manifest. */
  readonly digest: string;
  readonly epoch: number;
  /** Lowest epoch of this model that may still be installed. */
  readonly minimumEpoch: number;
}

/** A bundle that the director says this device gets. */
export interface DirectorTarget {
  readonly length: number;
  readonly digest: string;
}

/** Trust in a root that came out of band: at enrolment, or by `flotilla-agent trust add`. */
export function trustRoot(root: string | Uint8Array): TrustedState {
  return {
    root: typeof root === 'string' ? root : new TextDecoder().decode(root),
    timestampVersion: 0,
    snapshotVersion: 0,
    targetsVersion: 0,
    directorVersion: 0,
  };
}
