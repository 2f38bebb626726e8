import { Type } from 'typebox';
import { DownloadPolicy } from '../devices/download-policy.ts';
import { GATE_NAMES, VERDICT_STATES } from '../rollouts/gates/types.ts';
import { BACK_STATES, MEMBER_STATES, ROLLOUT_STATES } from '../rollouts/types.ts';
import { Id, Millis } from './schemas.ts';

export const Gates = Type.Object({
  maxFailedShare: Type.Number(),
  maxErrorRise: Type.Number(),
  maxConfidenceDrop: Type.Number(),
  maxClassDistance: Type.Number(),
  minInferences: Type.Integer(),
  alpha: Type.Number(),
  lookBackMs: Type.Integer(),
  disabled: Type.Array(Type.Enum(GATE_NAMES)),
});

export const Settings = Type.Object({
  waves: Type.Array(Type.String()),
  soakMs: Type.Integer(),
  maxSoakMs: Type.Integer(),
  watchMs: Type.Integer(),
  deadlineMs: Type.Integer(),
  maxAttempts: Type.Integer(),
  retryMs: Type.Integer(),
  download: Type.Optional(DownloadPolicy),
  gates: Gates,
});

export const RolloutSummary = Type.Object({
  id: Id,
  model: Type.String(),
  version: Type.Integer(),
  slot: Type.String(),
  selector: Type.String(),
  state: Type.Enum(ROLLOUT_STATES),
  haltedBy: Type.Enum([...GATE_NAMES, 'operator', ''], {
    description: 'empty unless it was halted',
  }),
  sentence: Type.String({ description: 'why it is in this state' }),
  wave: Type.Integer({ description: 'index of the open wave, -1 before the first' }),
  sizes: Type.Array(Type.Integer(), { description: 'devices of each wave, cumulative' }),
  counts: Type.Record(Type.String(), Type.Integer(), { description: 'devices by state' }),
  createdBy: Type.String(),
  createdMs: Millis,
  endedMs: Type.Integer({ minimum: 0, description: '0 until it has ended' }),
});

/** What the download of a deployment took from the network. */
const Transfer = Type.Object({
  bytes: Type.Integer(),
  deltaBytes: Type.Integer({ description: 'of these as deltas' }),
  mqttBytes: Type.Integer({ description: 'of these over MQTT' }),
  fallbacks: Type.Array(Type.String(), {
    description: 'why a way that was tried first was given up',
  }),
});

export const RolloutDevice = Type.Object({
  device: Id,
  name: Type.String(),
  target: Type.String(),
  position: Type.Integer({ description: '-1: takes no part' }),
  wave: Type.Integer({ description: 'index of its wave; -1: takes no part' }),
  state: Type.Enum(MEMBER_STATES),
  reason: Type.String({ description: 'why this variant, or why none' }),
  digest: Type.String(),
  precision: Type.String(),
  deployment: Type.String(),
  attempt: Type.Integer(),
  step: Type.String(),
  code: Type.String(),
  detail: Type.String(),
  bytesDone: Type.Integer(),
  bytesTotal: Type.Integer(),
  transfer: Type.Optional(Transfer),
  baseVersion: Type.Integer({ description: 'version that it had before; 0: none' }),
  sentMs: Type.Integer(),
  endedMs: Type.Integer(),
  backState: Type.Enum(BACK_STATES),
  backDetail: Type.String(),
});

export const GateVerdict = Type.Object({
  wave: Type.Integer(),
  gate: Type.Enum(GATE_NAMES),
  title: Type.String(),
  state: Type.Enum(VERDICT_STATES),
  sentence: Type.String(),
  numbers: Type.Record(Type.String(), Type.Number()),
  judgedMs: Millis,
});

export const RolloutEvent = Type.Object({
  atMs: Millis,
  kind: Type.String(),
  sentence: Type.String(),
});

export const RolloutDetail = Type.Interface([RolloutSummary], {
  settings: Settings,
  devices: Type.Array(RolloutDevice, { description: 'the first 1000; all of them by /devices' }),
  verdicts: Type.Array(GateVerdict),
  events: Type.Array(RolloutEvent),
});

export const DraftDevice = Type.Object({
  device: Id,
  name: Type.String(),
  target: Type.String(),
  wave: Type.Integer({ description: 'index of its wave; -1: takes no part' }),
  state: Type.String(),
  reason: Type.String(),
  precision: Type.String(),
  digest: Type.String(),
});

export const RolloutDraftAnswer = Type.Object({
  id: Type.String({ description: 'empty for a dry run' }),
  dryRun: Type.Boolean(),
  model: Type.String(),
  version: Type.Integer(),
  slot: Type.String(),
  selector: Type.String(),
  sizes: Type.Array(Type.Integer()),
  settings: Settings,
  devices: Type.Array(DraftDevice),
});
