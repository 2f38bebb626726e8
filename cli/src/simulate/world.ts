import type { Deployment, Result } from '@flotilla/protocol';
import type { FaultRule } from './faults.ts';
import type { DeviceState } from './state.ts';
import type { Work } from './telemetry.ts';

/** What is told of the devices while they run. */
export type SimulationEvent =
  | { readonly kind: 'connected' | 'disconnected' | 'crashed'; readonly device: string }
  | {
      readonly kind: 'began' | 'activated';
      readonly device: string;
      readonly deployment: Deployment;
    }
  | {
      readonly kind: 'ended';
      readonly device: string;
      readonly deployment: Deployment;
      readonly result: Result;
      readonly code: string;
    };

/** Messages since the start. */
export interface Traffic {
  up: number;
  down: number;
}

/** What the devices of a simulation share. */
export interface World {
  readonly seed: number;
  readonly rules: readonly FaultRule[];
  readonly work: Work;
  /** How long a download takes where nothing is fetched, ms; other steps are shares of it. */
  readonly stepMs: number;
  readonly traffic: Traffic;
  /** Wall clock as the server told it, ms. */
  now(): number;
  monotonic(): number;
  /** Fetches what the simulation was asked to fetch of a bundle. */
  download(state: DeviceState, deployment: Deployment): Promise<void>;
  tell(event: SimulationEvent): void;
}
