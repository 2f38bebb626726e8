// Generated from messages.proto by scripts/generate-messages.ts: do not edit.
import type { INamespace } from 'protobufjs/light.js';

export interface Stamp {
  wallMs: number;
  monotonicMs: number;
  clockSynced: boolean;
}

export interface State {
  at?: Stamp | null;
  online: boolean;
  connectSeq: number;
  protocolMinor: number;
  features: string[];
  capabilities?: Capabilities | null;
  active: Active[];
  agentVersion: string;
  timeZone: string;
  uncleanStarts: number;
}

export interface Capabilities {
  target: string;
  declared: boolean;
  board: string;
  arch: string;
  os: string;
  cpuModel: string;
  cores: number;
  memoryBytes: number;
  diskFreeBytes: number;
  cpuFeatures: string[];
  runtimes: RuntimeInfo[];
  soc: string;
  jetpack: string;
  cameras: string[];
  powerMode: string;
  kernel: string;
  container: string;
  readOnlyRoot: boolean;
  diskBytes: number;
  libc: string;
  selfUpdate: boolean;
}

export interface RuntimeInfo {
  name: string;
  version: string;
  maxOpset: number;
  providers: string[];
}

export interface Active {
  slot: string;
  digest: string;
  model: string;
  version: number;
  precision: string;
  deployment: string;
  attempt: number;
}

export type Result = 'RESULT_UNSPECIFIED' | 'RESULT_IN_PROGRESS' | 'RESULT_COMMITTED' | 'RESULT_ROLLED_BACK' | 'RESULT_FAILED' | 'RESULT_REMOVED';

export interface Outcome {
  deployment: string;
  attempt: number;
  result: Result;
  step: string;
  code: string;
  detail: string;
  digest: string;
  slot: string;
  bytesDone: number;
  bytesTotal: number;
  selfTest?: SelfTest | null;
  transfer?: Transfer | null;
}

export interface Transfer {
  bytes: number;
  deltaBytes: number;
  mqttBytes: number;
  fallbacks: string[];
}

export interface SelfTest {
  passed: boolean;
  maxAbsError: number;
  latencyMs: number;
  samples: number;
  runtime: string;
  provider: string;
  fallbacks: string[];
  latencyP95Ms: number;
  rssBytes: number;
  toleranceUsed: number;
}

export interface Sync {
  at?: Stamp | null;
  generation: number;
  revision: number;
  active: Active[];
  outcomes: Outcome[];
  digests: string[];
}

export interface Desired {
  at?: Stamp | null;
  generation: number;
  revision: number;
  slots: Slot[];
  keep: string[];
  config?: DeviceConfig | null;
  director: Uint8Array;
  halt?: Halt | null;
}

export type Mode = 'MODE_UNSPECIFIED' | 'MODE_PRESENT' | 'MODE_ABSENT';

export interface Slot {
  name: string;
  mode: Mode;
  active?: Deployment | null;
  shadow?: Deployment | null;
}

export interface Deployment {
  id: string;
  attempt: number;
  digest: string;
  url: string;
  size: number;
  model: string;
  version: number;
  precision: string;
  notBeforeMs: number;
  notAfterMs: number;
  deadlineMs: number;
  watchMs: number;
  targetPath: string;
  rollout: string;
  metered: Metered;
  bandwidth: number;
  measureOnly: boolean;
  shadow?: ShadowPlan | null;
}

export interface ShadowPlan {
  samplePermille: number;
  busyPermille: number;
  maxTemperatureC: number;
}

export type Metered = 'METERED_UNSPECIFIED' | 'METERED_ALLOW' | 'METERED_DELTA_ONLY' | 'METERED_WAIT';

export type TransportPolicy = 'TRANSPORT_UNSPECIFIED' | 'TRANSPORT_AUTO' | 'TRANSPORT_HTTP' | 'TRANSPORT_MQTT';

export interface DeviceConfig {
  telemetryWindowMs: number;
  capturePermille: number;
  maxLatencyMs: number;
  maxRssBytes: number;
  watchLatencyFactor: number;
  watchMemoryBytes: number;
  bandwidth: number;
  metered: Metered;
  transport: TransportPolicy;
}

export interface Halt {
  generation: number;
  counter: number;
  halted: boolean;
  signed: Uint8Array;
}

export interface ServerState {
  at?: Stamp | null;
  online: boolean;
  version: string;
}

export interface Record {
  at?: Stamp | null;
  outbox: string;
  seq: number;
  outcome?: Outcome;
  window?: Window;
}

export interface BlobRequest {
  at?: Stamp | null;
  offset: number;
  length: number;
  chunk: number;
  from: string;
}

export interface BlobChunk {
  offset: number;
  data: Uint8Array;
  total: number;
  digest: string;
  status: number;
  retryAfterMs: number;
  from: string;
}

export interface Ack {
  outbox: string;
  stored: Range[];
  rejected: Rejected[];
}

export interface Range {
  first: number;
  last: number;
}

export interface Rejected {
  range?: Range | null;
  code: string;
}

export type Role = 'ROLE_UNSPECIFIED' | 'ROLE_ACTIVE' | 'ROLE_SHADOW';

export interface Window {
  slot: string;
  deployment: string;
  digest: string;
  role: Role;
  startMs: number;
  lengthMs: number;
  inferences: number;
  errors: number;
  latencyUs?: LogHistogram | null;
  classCounts: number[];
  confidence?: Moments | null;
  confidenceBins: number[];
  features: FeatureBins[];
  profileDigest: string;
  resources?: Resources | null;
  drift: FeatureVerdict[];
  model: string;
  version: number;
  labeled: number;
  correct: number;
  comparison?: Comparison | null;
}

export interface Comparison {
  compared: number;
  agreed: number;
  disagreements: Disagreement[];
  logLatencyRatio?: Moments | null;
  confidenceChange?: Moments | null;
  skipped: number;
  activeDigest: string;
}

export interface Disagreement {
  active: number;
  shadow: number;
  count: number;
}

export interface LogHistogram {
  alpha: number;
  offset: number;
  counts: number[];
  zeros: number;
}

export interface Moments {
  count: number;
  mean: number;
  m2: number;
  min: number;
  max: number;
}

export interface FeatureBins {
  name: string;
  counts: number[];
  moments?: Moments | null;
}

export interface FeatureVerdict {
  name: string;
  statistic: number;
  threshold: number;
  drifted: boolean;
}

export interface Resources {
  rssBytes: number;
  cpuMs: number;
  temperatureC: number;
  throttled: boolean;
  bytesWritten: number;
}

export type CommandKind = 'COMMAND_UNSPECIFIED' | 'COMMAND_RESTART' | 'COMMAND_LOGS' | 'COMMAND_DIAGNOSE' | 'COMMAND_BENCHMARK' | 'COMMAND_WATCH';

export interface Command {
  at?: Stamp | null;
  kind: CommandKind;
  expiresMs: number;
  slot: string;
}

export interface CommandResult {
  at?: Stamp | null;
  ok: boolean;
  code: string;
  text: string;
}

export interface Live {
  at?: Stamp | null;
  windows: Window[];
}

export const descriptor = {"nested":{"Stamp":{"fields":{"wallMs":{"type":"uint64","id":1,"protoName":"wall_ms"},"monotonicMs":{"type":"uint64","id":2,"protoName":"monotonic_ms"},"clockSynced":{"type":"bool","id":3,"protoName":"clock_synced"}}},"State":{"fields":{"at":{"type":"Stamp","id":1},"online":{"type":"bool","id":2},"connectSeq":{"type":"uint64","id":3,"protoName":"connect_seq"},"protocolMinor":{"type":"uint32","id":4,"protoName":"protocol_minor"},"features":{"rule":"repeated","type":"string","id":5},"capabilities":{"type":"Capabilities","id":6},"active":{"rule":"repeated","type":"Active","id":7},"agentVersion":{"type":"string","id":8,"protoName":"agent_version"},"timeZone":{"type":"string","id":9,"protoName":"time_zone"},"uncleanStarts":{"type":"uint32","id":10,"protoName":"unclean_starts"}}},"Capabilities":{"fields":{"target":{"type":"string","id":1},"declared":{"type":"bool","id":2},"board":{"type":"string","id":3},"arch":{"type":"string","id":4},"os":{"type":"string","id":5},"cpuModel":{"type":"string","id":6,"protoName":"cpu_model"},"cores":{"type":"uint32","id":7},"memoryBytes":{"type":"uint64","id":8,"protoName":"memory_bytes"},"diskFreeBytes":{"type":"uint64","id":9,"protoName":"disk_free_bytes"},"cpuFeatures":{"rule":"repeated","type":"string","id":10,"protoName":"cpu_features"},"runtimes":{"rule":"repeated","type":"RuntimeInfo","id":11},"soc":{"type":"string","id":12},"jetpack":{"type":"string","id":13},"cameras":{"rule":"repeated","type":"string","id":14},"powerMode":{"type":"string","id":15,"protoName":"power_mode"},"kernel":{"type":"string","id":16},"container":{"type":"string","id":17},"readOnlyRoot":{"type":"bool","id":18,"protoName":"read_only_root"},"diskBytes":{"type":"uint64","id":19,"protoName":"disk_bytes"},"libc":{"type":"string","id":20},"selfUpdate":{"type":"bool","id":21,"protoName":"self_update"}}},"RuntimeInfo":{"fields":{"name":{"type":"string","id":1},"version":{"type":"string","id":2},"maxOpset":{"type":"uint32","id":3,"protoName":"max_opset"},"providers":{"rule":"repeated","type":"string","id":4}}},"Active":{"fields":{"slot":{"type":"string","id":1},"digest":{"type":"string","id":2},"model":{"type":"string","id":3},"version":{"type":"uint32","id":4},"precision":{"type":"string","id":5},"deployment":{"type":"string","id":6},"attempt":{"type":"uint32","id":7}}},"Result":{"values":{"RESULT_UNSPECIFIED":0,"RESULT_IN_PROGRESS":1,"RESULT_COMMITTED":2,"RESULT_ROLLED_BACK":3,"RESULT_FAILED":4,"RESULT_REMOVED":5}},"Outcome":{"fields":{"deployment":{"type":"string","id":1},"attempt":{"type":"uint32","id":2},"result":{"type":"Result","id":3},"step":{"type":"string","id":4},"code":{"type":"string","id":5},"detail":{"type":"string","id":6},"digest":{"type":"string","id":7},"slot":{"type":"string","id":8},"bytesDone":{"type":"uint64","id":9,"protoName":"bytes_done"},"bytesTotal":{"type":"uint64","id":10,"protoName":"bytes_total"},"selfTest":{"type":"SelfTest","id":11,"protoName":"self_test"},"transfer":{"type":"Transfer","id":12}}},"Transfer":{"fields":{"bytes":{"type":"uint64","id":1},"deltaBytes":{"type":"uint64","id":2,"protoName":"delta_bytes"},"mqttBytes":{"type":"uint64","id":3,"protoName":"mqtt_bytes"},"fallbacks":{"rule":"repeated","type":"string","id":4}}},"SelfTest":{"fields":{"passed":{"type":"bool","id":1},"maxAbsError":{"type":"double","id":2,"protoName":"max_abs_error"},"latencyMs":{"type":"double","id":3,"protoName":"latency_ms"},"samples":{"type":"uint32","id":4},"runtime":{"type":"string","id":5},"provider":{"type":"string","id":6},"fallbacks":{"rule":"repeated","type":"string","id":7},"latencyP95Ms":{"type":"double","id":8,"protoName":"latency_p95_ms"},"rssBytes":{"type":"uint64","id":9,"protoName":"rss_bytes"},"toleranceUsed":{"type":"double","id":10,"protoName":"tolerance_used"}}},"Sync":{"fields":{"at":{"type":"Stamp","id":1},"generation":{"type":"uint64","id":2},"revision":{"type":"uint64","id":3},"active":{"rule":"repeated","type":"Active","id":4},"outcomes":{"rule":"repeated","type":"Outcome","id":5},"digests":{"rule":"repeated","type":"string","id":6}}},"Desired":{"fields":{"at":{"type":"Stamp","id":1},"generation":{"type":"uint64","id":2},"revision":{"type":"uint64","id":3},"slots":{"rule":"repeated","type":"Slot","id":4},"keep":{"rule":"repeated","type":"string","id":5},"config":{"type":"DeviceConfig","id":6},"director":{"type":"bytes","id":7},"halt":{"type":"Halt","id":8}}},"Mode":{"values":{"MODE_UNSPECIFIED":0,"MODE_PRESENT":1,"MODE_ABSENT":2}},"Slot":{"fields":{"name":{"type":"string","id":1},"mode":{"type":"Mode","id":2},"active":{"type":"Deployment","id":3},"shadow":{"type":"Deployment","id":4}}},"Deployment":{"fields":{"id":{"type":"string","id":1},"attempt":{"type":"uint32","id":2},"digest":{"type":"string","id":3},"url":{"type":"string","id":4},"size":{"type":"uint64","id":5},"model":{"type":"string","id":6},"version":{"type":"uint32","id":7},"precision":{"type":"string","id":8},"notBeforeMs":{"type":"uint64","id":9,"protoName":"not_before_ms"},"notAfterMs":{"type":"uint64","id":10,"protoName":"not_after_ms"},"deadlineMs":{"type":"uint64","id":11,"protoName":"deadline_ms"},"watchMs":{"type":"uint32","id":12,"protoName":"watch_ms"},"targetPath":{"type":"string","id":13,"protoName":"target_path"},"rollout":{"type":"string","id":14},"metered":{"type":"Metered","id":15},"bandwidth":{"type":"uint64","id":16},"measureOnly":{"type":"bool","id":17,"protoName":"measure_only"},"shadow":{"type":"ShadowPlan","id":19}}},"ShadowPlan":{"fields":{"samplePermille":{"type":"uint32","id":1,"protoName":"sample_permille"},"busyPermille":{"type":"uint32","id":2,"protoName":"busy_permille"},"maxTemperatureC":{"type":"double","id":3,"protoName":"max_temperature_c"}}},"Metered":{"values":{"METERED_UNSPECIFIED":0,"METERED_ALLOW":1,"METERED_DELTA_ONLY":2,"METERED_WAIT":3}},"TransportPolicy":{"values":{"TRANSPORT_UNSPECIFIED":0,"TRANSPORT_AUTO":1,"TRANSPORT_HTTP":2,"TRANSPORT_MQTT":3}},"DeviceConfig":{"fields":{"telemetryWindowMs":{"type":"uint32","id":1,"protoName":"telemetry_window_ms"},"capturePermille":{"type":"uint32","id":2,"protoName":"capture_permille"},"maxLatencyMs":{"type":"double","id":6,"protoName":"max_latency_ms"},"maxRssBytes":{"type":"uint64","id":7,"protoName":"max_rss_bytes"},"watchLatencyFactor":{"type":"double","id":8,"protoName":"watch_latency_factor"},"watchMemoryBytes":{"type":"uint64","id":9,"protoName":"watch_memory_bytes"},"bandwidth":{"type":"uint64","id":3},"metered":{"type":"Metered","id":4},"transport":{"type":"TransportPolicy","id":5}}},"Halt":{"fields":{"generation":{"type":"uint64","id":1},"counter":{"type":"uint64","id":2},"halted":{"type":"bool","id":3},"signed":{"type":"bytes","id":4}}},"ServerState":{"fields":{"at":{"type":"Stamp","id":1},"online":{"type":"bool","id":2},"version":{"type":"string","id":3}}},"Record":{"oneofs":{"body":{"oneof":["outcome","window"]}},"fields":{"at":{"type":"Stamp","id":1},"outbox":{"type":"string","id":2},"seq":{"type":"uint64","id":3},"outcome":{"type":"Outcome","id":4},"window":{"type":"Window","id":5}}},"BlobRequest":{"fields":{"at":{"type":"Stamp","id":1},"offset":{"type":"uint64","id":2},"length":{"type":"uint32","id":3},"chunk":{"type":"uint32","id":4},"from":{"type":"string","id":5}}},"BlobChunk":{"fields":{"offset":{"type":"uint64","id":1},"data":{"type":"bytes","id":2},"total":{"type":"uint64","id":3},"digest":{"type":"string","id":4},"status":{"type":"uint32","id":5},"retryAfterMs":{"type":"uint32","id":6,"protoName":"retry_after_ms"},"from":{"type":"string","id":7}}},"Ack":{"fields":{"outbox":{"type":"string","id":1},"stored":{"rule":"repeated","type":"Range","id":2},"rejected":{"rule":"repeated","type":"Rejected","id":3}}},"Range":{"fields":{"first":{"type":"uint64","id":1},"last":{"type":"uint64","id":2}}},"Rejected":{"fields":{"range":{"type":"Range","id":1},"code":{"type":"string","id":2}}},"Role":{"values":{"ROLE_UNSPECIFIED":0,"ROLE_ACTIVE":1,"ROLE_SHADOW":2}},"Window":{"fields":{"slot":{"type":"string","id":1},"deployment":{"type":"string","id":2},"digest":{"type":"string","id":3},"role":{"type":"Role","id":4},"startMs":{"type":"uint64","id":5,"protoName":"start_ms"},"lengthMs":{"type":"uint32","id":6,"protoName":"length_ms"},"inferences":{"type":"uint64","id":7},"errors":{"type":"uint64","id":8},"latencyUs":{"type":"LogHistogram","id":9,"protoName":"latency_us"},"classCounts":{"rule":"repeated","type":"uint64","id":10,"protoName":"class_counts"},"confidence":{"type":"Moments","id":11},"confidenceBins":{"rule":"repeated","type":"uint64","id":12,"protoName":"confidence_bins"},"features":{"rule":"repeated","type":"FeatureBins","id":13},"profileDigest":{"type":"string","id":14,"protoName":"profile_digest"},"resources":{"type":"Resources","id":15},"drift":{"rule":"repeated","type":"FeatureVerdict","id":16},"model":{"type":"string","id":17},"version":{"type":"uint32","id":18},"labeled":{"type":"uint64","id":19},"correct":{"type":"uint64","id":20},"comparison":{"type":"Comparison","id":21}}},"Comparison":{"fields":{"compared":{"type":"uint64","id":1},"agreed":{"type":"uint64","id":2},"disagreements":{"rule":"repeated","type":"Disagreement","id":3},"logLatencyRatio":{"type":"Moments","id":4,"protoName":"log_latency_ratio"},"confidenceChange":{"type":"Moments","id":5,"protoName":"confidence_change"},"skipped":{"type":"uint64","id":6},"activeDigest":{"type":"string","id":7,"protoName":"active_digest"}}},"Disagreement":{"fields":{"active":{"type":"uint32","id":1},"shadow":{"type":"uint32","id":2},"count":{"type":"uint64","id":3}}},"LogHistogram":{"fields":{"alpha":{"type":"double","id":1},"offset":{"type":"sint32","id":2},"counts":{"rule":"repeated","type":"uint64","id":3},"zeros":{"type":"uint64","id":4}}},"Moments":{"fields":{"count":{"type":"uint64","id":1},"mean":{"type":"double","id":2},"m2":{"type":"double","id":3},"min":{"type":"double","id":4},"max":{"type":"double","id":5}}},"FeatureBins":{"fields":{"name":{"type":"string","id":1},"counts":{"rule":"repeated","type":"uint64","id":2},"moments":{"type":"Moments","id":3}}},"FeatureVerdict":{"fields":{"name":{"type":"string","id":1},"statistic":{"type":"double","id":2},"threshold":{"type":"double","id":3},"drifted":{"type":"bool","id":4}}},"Resources":{"fields":{"rssBytes":{"type":"uint64","id":1,"protoName":"rss_bytes"},"cpuMs":{"type":"uint64","id":2,"protoName":"cpu_ms"},"temperatureC":{"type":"double","id":3,"protoName":"temperature_c"},"throttled":{"type":"bool","id":4},"bytesWritten":{"type":"uint64","id":5,"protoName":"bytes_written"}}},"CommandKind":{"values":{"COMMAND_UNSPECIFIED":0,"COMMAND_RESTART":1,"COMMAND_LOGS":2,"COMMAND_DIAGNOSE":3,"COMMAND_BENCHMARK":4,"COMMAND_WATCH":5}},"Command":{"fields":{"at":{"type":"Stamp","id":1},"kind":{"type":"CommandKind","id":2},"expiresMs":{"type":"uint64","id":3,"protoName":"expires_ms"},"slot":{"type":"string","id":4}}},"CommandResult":{"fields":{"at":{"type":"Stamp","id":1},"ok":{"type":"bool","id":2},"code":{"type":"string","id":3},"text":{"type":"string","id":4}}},"Live":{"fields":{"at":{"type":"Stamp","id":1},"windows":{"rule":"repeated","type":"Window","id":2}}}}} as INamespace;
