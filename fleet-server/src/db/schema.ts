import type { Generated } from 'kysely';
import type { TelemetryTables } from './schema-telemetry.ts';

/** Text that holds JSON; the stores encode and decode it. */
export type Json = string;
/** Wall-clock milliseconds since 1970 UTC. */
export type Millis = number;
/** 0 or 1: the boolean that SQLite and PostgreSQL both take. */
export type Flag = 0 | 1;

/** A column that takes its default, 0 or the empty string, where a row does not name it. */
export type Default<T extends string | number> = Generated<T>;

/** What holds for a whole fleet. */
export interface FleetsTable {
  fleet: string;
  created_ms: Millis;
  /** Raised when a back-up is restored, so that desired states made after it win. */
  generation: number;
  halted: Flag;
  halt_counter: number;
  /** Signed halt document that says the same; empty before the first halt. */
  halt_signed: string;
}

export type DeviceStatus = 'accepted' | 'pending' | 'revoked';

export interface DevicesTable {
  fleet: string;
  device: string;
  name: string;
  status: DeviceStatus;
  /** JWK (RFC 8037): {kty:'OKP', crv:'Ed25519', x}. */
  public_key: Json;
  /** Hardware class: what the operator set, else what the device reports. */
  target: string;
  /** 1: an operator set the target, so reports do not change it. */
  target_fixed: Flag;
  /** Record<string, string> */
  tags: Json;
  /** `Capabilities` as the device last reported them. */
  capabilities: Json;
  agent_version: string;
  /** Minor version of the protocol that its agent speaks, as it last said. */
  protocol_minor: number;
  enrolled_ms: Millis;
  online: Flag;
  connect_seq: number;
  last_seen_ms: Millis;
  /** `Active[]` as the device last reported it. */
  active: Json;
  /** string[]: bundles on the device's disk as of its last sync. */
  digests: Json;
  /** Desired state: rises with each change, orders it within a generation. */
  revision: number;
  /** Rises with each edit by a person: the entity tag of the device resource. */
  edits: number;
  /** IANA name that its clock is set to; empty where it does not tell. */
  time_zone: Default<string>;
  /** Starts that no clean stop came before, as it last said. */
  unclean_starts: Default<number>;
}

/** Devices under a name: those that were put there, or those that a selector matches now. */
export interface DeviceGroupsTable {
  fleet: string;
  name: string;
  kind: 'static' | 'dynamic';
  /** Of a dynamic group; empty for a static one. */
  selector: string;
  created_by: string;
  created_ms: Millis;
}

/** Members of static groups. */
export interface DeviceGroupMembersTable {
  fleet: string;
  name: string;
  device: string;
}

/** The newest measurement of a variant on a device. */
export interface MeasurementsTable {
  fleet: string;
  digest: string;
  device: string;
  model: string;
  version: number;
  target: string;
  precision: string;
  /** Milliseconds of one run; 0 where it failed. */
  p50_ms: number;
  p95_ms: number;
  rss_bytes: number;
  runtime: string;
  provider: string;
  /** Why it could not be measured; empty where it was. */
  code: string;
  detail: string;
  at_ms: Millis;
}

/** The variants of a version on their way to the devices of a lab, to be measured there. */
export interface LabRunsTable {
  fleet: string;
  run: string;
  model: string;
  version: number;
  selector: string;
  /** `LabRunState` */
  state: string;
  /** How long a device may take over one variant. */
  timeout_ms: Millis;
  created_by: string;
  created_ms: Millis;
  /** 0 until it has ended. */
  ended_ms: Millis;
}

/** A variant to measure on a device. */
export interface LabOrdersTable {
  fleet: string;
  run: string;
  device: string;
  /** Empty where no variant suits the device. */
  digest: string;
  /** Its turn on the device, 0 first. */
  position: number;
  target: string;
  precision: string;
  /** `LabOrderState` */
  state: string;
  /** The device has said something of this attempt. */
  started: Flag;
  /** The failure may pass: the same attempt again could succeed. */
  retryable: Flag;
  /** Empty until it is sent. */
  deployment: string;
  attempt: number;
  code: string;
  detail: string;
  sent_ms: Millis;
  ended_ms: Millis;
}

export interface ClaimTokensTable {
  fleet: string;
  token: string;
  /** SHA-256 of the secret, hex. */
  hash: string;
  label: string;
  uses_left: number;
  expires_ms: Millis;
  /** Record<string, string>: tags that an enrolling device takes on. */
  tags: Json;
  /** 0: a device enrolled with it waits until a person accepts it. */
  auto_accept: Flag;
  created_ms: Millis;
}

export interface UserTokensTable {
  /** A fleet, or `*` for every fleet of this server. */
  fleet: string;
  token: string;
  hash: string;
  label: string;
  role: 'viewer' | 'operator' | 'approver' | 'admin';
  /** 0: does not expire. */
  expires_ms: Millis;
  created_ms: Millis;
}

export interface ModelsTable {
  fleet: string;
  model: string;
  /** Never reused, not even when a version is deleted or its build fails. */
  last_version: number;
  created_ms: Millis;
}

export type VersionStatus = 'building' | 'ready' | 'failed';

export interface VersionsTable {
  fleet: string;
  model: string;
  version: number;
  status: VersionStatus;
  /** Digest of the uploaded model file; empty where ready bundles were uploaded. */
  source_digest: string;
  created_by: string;
  created_ms: Millis;
}

export type BuildStatus = 'queued' | 'running' | 'succeeded' | 'failed';

export interface BuildsTable {
  fleet: string;
  build: string;
  model: string;
  version: number;
  status: BuildStatus;
  /** {targets, precisions, maxDrop?} */
  request: Json;
  /** {step, target?, precision?, done, total} */
  progress: Json;
  /** What the converter said beside the variants: {warnings, withheld}; `{}` until it has ended. */
  result: Json;
  /** Error code and its one line; empty unless failed. */
  error_code: string;
  error: string;
  created_ms: Millis;
  finished_ms: Millis;
}

export interface VariantsTable {
  fleet: string;
  model: string;
  version: number;
  target: string;
  precision: string;
  /** Digest of the bundle's manifest. */
  digest: string;
  /** Length in bytes of the manifest: what the TUF target names. */
  manifest_bytes: number;
  /** Bytes of all blobs, the manifest included. */
  bytes: number;
  memory_bytes: number;
  opset: number;
  /** TUF target path of the manifest. */
  target_path: string;
  /** Security epoch: a version below what its model demands is never installed again. */
  epoch: number;
  within_budget: Flag;
  /** `VariantReport` of converters, `{}` for an uploaded bundle without one. */
  report: Json;
  created_ms: Millis;
}

/** Which fleet may read which blob; the bytes lie in the artifact folder. */
export interface BlobsTable {
  fleet: string;
  digest: string;
  size: number;
  media_type: string;
  created_ms: Millis;
}

export type DeploymentRole = 'active' | 'shadow';
export type DeploymentResult =
  | 'pending'
  | 'in-progress'
  | 'committed'
  | 'rolled-back'
  | 'failed'
  | 'removed';

/** A bundle on a device: what the server ordered and how its current attempt stands. */
export interface DeploymentsTable {
  fleet: string;
  deployment: string;
  device: string;
  slot: string;
  role: DeploymentRole;
  model: string;
  version: number;
  precision: string;
  digest: string;
  target_path: string;
  bytes: number;
  /** Empty where no rollout made it. */
  rollout: string;
  /** Why this variant was chosen, in words. */
  reason: string;
  /** Only the server raises it. */
  attempt: number;
  not_before_ms: Millis;
  not_after_ms: Millis;
  deadline_ms: Millis;
  watch_ms: number;
  result: DeploymentResult;
  step: string;
  code: string;
  detail: string;
  /** Figures of the device's self-test; empty before there are any. */
  self_test: Json;
  /** `Transfer` as the device reported it: what its download took; empty before. */
  transfer: Json;
  created_ms: Millis;
  /** When the device last said something of it. */
  updated_ms: Millis;
  /** What a shadow is there for; empty where it is not one. */
  purpose: Default<'' | 'compare' | 'measure'>;
}

/** Desired state of one slot of one device. Deployment ids, empty where there is none. */
export interface SlotsTable {
  fleet: string;
  device: string;
  slot: string;
  mode: 'present' | 'absent';
  active: string;
  shadow: string;
  /** The deployment before `active`: its bundle stays on the device's `keep` list. */
  previous: string;
}

/** Which records of a device's outbox are dealt with: the idempotency of ingestion. */
export interface OutboxesTable {
  fleet: string;
  device: string;
  outbox: string;
  /** [first, last][]: sorted, disjoint, not adjacent. */
  ranges: Json;
  updated_ms: Millis;
}

/** Signed TUF metadata; every root is kept, of the other roles the newest. */
export interface TufMetadataTable {
  fleet: string;
  role: 'root' | 'targets' | 'snapshot' | 'timestamp';
  version: number;
  body: Json;
  expires_ms: Millis;
}

/** Append-only; each row's hash covers the row before it. */
export interface AuditLogTable {
  fleet: string;
  seq: number;
  at_ms: Millis;
  actor: string;
  action: string;
  subject: string;
  detail: Json;
  previous_hash: string;
  hash: string;
}

/** Answers to POSTs that carried an Idempotency-Key, repeated for 24 hours. */
export interface IdempotencyKeysTable {
  fleet: string;
  actor: string;
  key: string;
  /** SHA-256 of method, path and body. */
  request: string;
  /** 0 while the first request is under way. */
  status: number;
  body: string;
  created_ms: Millis;
}

/** What a device, or a fleet where the device is empty, may download. */
export interface DownloadPoliciesTable {
  fleet: string;
  device: string;
  /** `DownloadPolicy` */
  policy: Json;
}

/** A delta from one blob to another; the bytes lie in the artifact folder. */
export interface DeltasTable {
  fleet: string;
  from_digest: string;
  to_digest: string;
  /** Digest; empty where there is none. */
  delta: string;
  size: number;
  /** Why there is none. */
  reason: string;
  used_ms: Millis;
}

export interface CoreTables {
  fleets: FleetsTable;
  devices: DevicesTable;
  claim_tokens: ClaimTokensTable;
  device_groups: DeviceGroupsTable;
  device_group_members: DeviceGroupMembersTable;
  measurements: MeasurementsTable;
  lab_runs: LabRunsTable;
  lab_orders: LabOrdersTable;
  user_tokens: UserTokensTable;
  models: ModelsTable;
  versions: VersionsTable;
  builds: BuildsTable;
  variants: VariantsTable;
  blobs: BlobsTable;
  deployments: DeploymentsTable;
  slots: SlotsTable;
  deltas: DeltasTable;
  download_policies: DownloadPoliciesTable;
  outboxes: OutboxesTable;
  tuf_metadata: TufMetadataTable;
  audit_log: AuditLogTable;
  idempotency_keys: IdempotencyKeysTable;
}

/** Every table of the server. Primary keys begin with the fleet. */
export interface Database extends CoreTables, TelemetryTables {}
