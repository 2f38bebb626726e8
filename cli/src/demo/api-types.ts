/** What the story reads of a rollout (`GET /rollouts/{id}`). */
export interface RolloutView {
  readonly state: 'running' | 'paused' | 'halted' | 'rolled-back' | 'done' | 'aborted';
  /** Gate that stopped it, empty while none did. */
  readonly haltedBy: string;
  readonly sentence: string;
  /** Index of the open wave, −1 before the first. */
  readonly wave: number;
  /** Devices of each wave, cumulative. */
  readonly sizes: readonly number[];
  readonly members: readonly MemberView[];
}

export interface MemberView {
  readonly device: string;
  readonly name: string;
  readonly state: string;
  readonly backState: string;
}

/** What the story reads of a device (`GET /devices`). */
export interface DeviceView {
  readonly device: string;
  readonly name: string;
  readonly online: boolean;
  readonly active: readonly {
    readonly slot: string;
    readonly version: number;
    readonly precision: string;
  }[];
}

/** What the story reads of a drift alert (`GET /drift`). */
export interface DriftView {
  readonly feature: string;
  readonly scope: string;
  readonly version: number;
  readonly state: string;
  readonly sentence: string;
}
