import type { Default, Flag, Json, Millis } from './schema.ts';

/** A model version on its way to the devices that a selector named when the rollout was made. */
export interface RolloutsTable {
  fleet: string;
  rollout: string;
  model: string;
  version: number;
  slot: string;
  selector: string;
  /** `RolloutState` */
  state: string;
  /** `HaltCause`; empty unless it was halted. */
  halted_by: string;
  /** Why it is in this state, one line; empty where nothing is to be said. */
  sentence: string;
  /** Index of the open wave, −1 before the first. */
  wave: number;
  /** number[]: devices of each wave, cumulative. */
  sizes: Json;
  /** `RolloutSettings` */
  settings: Json;
  created_by: string;
  created_ms: Millis;
  /** 0 until it has ended. */
  ended_ms: Millis;
  /** `RolloutKind`; empty is `update`. */
  kind: Default<string>;
  /** Higher goes first. */
  priority: Default<number>;
  /** Waves that a person has approved. */
  approved_wave: Default<number>;
  /** `GateName`s with spaces between them: what a person knew of who approved the next wave. */
  accepted_gates: Default<string>;
  /** Rollout that this one was promoted from; empty where none. */
  parent: Default<string>;
  /** Up to when the devices asked so far use up what the rate allows. */
  rate_ms: Default<Millis>;
}

/** A device of a rollout: the variant chosen for it, how far it is, and the way back. */
export interface RolloutMembersTable {
  fleet: string;
  rollout: string;
  device: string;
  /** Place in the order of the waves, −1 where it takes no part. */
  position: number;
  /** `MemberState` */
  state: string;
  /** Why this variant, or why none, in words. */
  reason: string;
  /** Empty where no variant suits. */
  digest: string;
  precision: string;
  target_path: string;
  bytes: number;
  /** Deployment of the new version; empty until it is ordered. */
  deployment: string;
  attempt: number;
  started: Flag;
  retryable: Flag;
  step: string;
  code: string;
  detail: string;
  bytes_done: number;
  bytes_total: number;
  /** Bundle and version that the slot had before; empty and 0 where there was none. */
  base_digest: string;
  base_version: number;
  sent_ms: Millis;
  ended_ms: Millis;
  /** Deployment that leads back; empty where none was ordered or the slot was emptied. */
  back: string;
  /** `BackState` */
  back_state: string;
  back_attempt: number;
  back_detail: string;
  back_ended_ms: Millis;
  /** Values that waves are balanced over, such as `raspberry-pi-5 / lyon`. */
  stratum: Default<string>;
  /** `control` where the device keeps the version that it has, for comparison; else empty. */
  arm: Default<string>;
  /** Which variant of `ladder` it is at. */
  rung: Default<number>;
  /** Variants in the order in which they are tried; empty where there is but one. */
  ladder: Default<Json>;
  /** The device's `unclean_starts` when the version was sent. */
  base_unclean_starts: Default<number>;
  /** When the planner must see to it next: a deadline, or another attempt; 0 where nothing is due. */
  due_ms: Default<Millis>;
  /** Failures that count against the number of attempts. */
  strikes: Default<number>;
  /** Whose hours its maintenance windows follow. */
  time_zone: Default<string>;
  /** Features that its own test called drifted when the version was sent. */
  base_drifted: Default<number>;
  /** Largest error in the self-test of the new version over the one allowed; 0 before it. */
  tolerance_used: Default<number>;
}

/** Which unfinished rollout holds a slot of a device: two cannot. */
export interface RolloutClaimsTable {
  fleet: string;
  device: string;
  slot: string;
  rollout: string;
}

/** The latest verdict of each gate in each wave. */
export interface RolloutVerdictsTable {
  fleet: string;
  rollout: string;
  wave: number;
  gate: string;
  state: string;
  sentence: string;
  /** Record<string, number> */
  numbers: Json;
  judged_ms: Millis;
}

/** What happened to a rollout, in order: what a person reads afterwards. */
export interface RolloutEventsTable {
  fleet: string;
  rollout: string;
  event: string;
  at_ms: Millis;
  kind: string;
  sentence: string;
}

/** Raw windows, kept for a while: what drift is judged on. */
export interface TelemetryWindowsTable {
  fleet: string;
  device: string;
  start_ms: Millis;
  window: string;
  length_ms: number;
  slot: string;
  deployment: string;
  digest: string;
  model: string;
  version: number;
  inferences: number;
  errors: number;
  /** `Record` message with the window as the device sent it. */
  body: Uint8Array;
  received_ms: Millis;
}

/** The newest window of each slot: the rows of the fleet table. */
export interface TelemetryLatestTable {
  fleet: string;
  device: string;
  slot: string;
  deployment: string;
  model: string;
  version: number;
  window_end_ms: Millis;
  length_ms: number;
  inferences: number;
  errors: number;
  /** Milliseconds; 0 where nothing was measured. */
  p50_ms: number;
  p95_ms: number;
  confidence: number;
  /** Features that the device's own test calls drifted. */
  drifted: number;
  rss_bytes: number;
  temperature_c: number;
  throttled: Flag;
}

/**
 * Merged windows. `scope` is `fleet` (subject empty), `device` or `deployment` (subject its id);
 * `grain_ms` a minute or an hour.
 */
export interface TelemetryRollupsTable {
  fleet: string;
  scope: string;
  subject: string;
  model: string;
  version: number;
  grain_ms: number;
  start_ms: Millis;
  inferences: number;
  errors: number;
  /** `Record` message with the merged window; features are left out. */
  body: Uint8Array;
}

/** Up to when the windows of a version have been judged for drift. */
export interface DriftCursorsTable {
  fleet: string;
  model: string;
  version: number;
  length_ms: number;
  judged_until_ms: Millis;
}

/** How the features of one device, or (device empty) of the whole fleet, stand against the profile. */
export interface DriftStatesTable {
  fleet: string;
  model: string;
  version: number;
  device: string;
  /** Digest of the reference profile that the counts belong to. */
  profile: string;
  /** Record<feature, `FeatureState`> */
  features: Json;
  updated_ms: Millis;
}

export interface AlertsTable {
  fleet: string;
  alert: string;
  kind: string;
  /** `device` or `fleet`. */
  scope: string;
  device: string;
  model: string;
  version: number;
  feature: string;
  state: string;
  since_ms: Millis;
  /** 0 while open. */
  closed_ms: Millis;
  statistic: number;
  threshold: number;
  sentence: string;
  /** {edges: number[], reference: number[], observed: number[]} */
  data: Json;
}

/** Tables of rollouts, telemetry, drift and alerts. */
export interface TelemetryTables {
  rollouts: RolloutsTable;
  rollout_members: RolloutMembersTable;
  rollout_claims: RolloutClaimsTable;
  rollout_verdicts: RolloutVerdictsTable;
  rollout_events: RolloutEventsTable;
  telemetry_windows: TelemetryWindowsTable;
  telemetry_latest: TelemetryLatestTable;
  telemetry_rollups: TelemetryRollupsTable;
  drift_cursors: DriftCursorsTable;
  drift_states: DriftStatesTable;
  alerts: AlertsTable;
}
