import type { Draft, Outcome } from '@flotilla/protocol';
import type { SimulatedIdentity } from './identity.ts';

/** What a device looks like from outside; follows from its number. */
export interface Profile {
  readonly name: string;
  readonly target: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly timeZone: string;
}

/** A bundle on a device. */
export interface Installed {
  readonly deployment: string;
  readonly attempt: number;
  readonly digest: string;
  readonly model: string;
  readonly version: number;
  readonly precision: string;
}

/** How an attempt ended; repeated at each connect. */
export interface Ended {
  readonly deployment: string;
  readonly attempt: number;
  readonly outcome: Draft<Outcome>;
}

/** What a device keeps from one run of the simulation to the next. */
export interface DeviceState {
  readonly index: number;
  readonly identity: SimulatedIdentity;
  readonly profile: Profile;
  connectSeq: number;
  uncleanStarts: number;
  outbox: string;
  nextSeq: number;
  generation: number;
  revision: number;
  /** What each slot runs, committed. */
  active: Record<string, Installed>;
  shadows: Record<string, Installed>;
  ended: Ended[];
}
