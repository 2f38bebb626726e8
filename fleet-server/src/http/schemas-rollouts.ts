import { Type } from 'typebox';
import { DownloadPolicy } from '../devices/download-policy.ts';
import { GATE_NAMES, VERDICT_STATES } from '../rollouts/gates/types.ts';
import { KIND_REQUEST, ROLLOUT_KINDS } from '../rollouts/kinds/settings.ts';
import { STANDINGS, type Standing } from '../rollouts/progress/standing.ts';
import { WAITS } from '../rollouts/progress/waits.ts';
import { WAVE_STATES } from '../rollouts/progress/waves.ts';
import { STRATEGY_REQUEST } from '../rollouts/strategy.ts';
import { BACK_STATES, MEMBER_STATES, ROLLOUT_STATES } from '../rollouts/types.ts';
import { Id, Millis } from './schemas.ts';

export const Gates = Type.Object({
  maxFailedShare: Type.Number(),
  maxCrashingShare: Type.Number(),
  maxDeviatingShare: Type.Number(),
  maxErrorRise: Type.Number(),
  maxLatencyRise: Type.Number(),
  maxMemoryRise: Type.Number(),
  maxConfidenceDrop: Type.Number(),
  maxClassDistance: Type.Number(),
  maxDriftingShare: Type.Number(),
  maxAccuracyDrop: Type.Number(),
  maxDisagreement: Type.Number(),
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
  ...STRATEGY_REQUEST,
  ...KIND_REQUEST,
});

const Count = Type.Integer({ minimum: 0 });
const HaltedBy = Type.Enum([...GATE_NAMES, 'operator', 'time', ''], {
  description: 'empty unless it was halted',
});

const Kind = Type.Enum(ROLLOUT_KINDS, {
  description: 'an A/B rollout that is promoted is an update',
});
const Parent = Type.String({
  description: 'shadow rollout that it was promoted from; empty: none',
});

export const RolloutSummary = Type.Object({
  id: Id,
  model: Type.String(),
  version: Type.Integer(),
  slot: Type.String(),
  selector: Type.String(),
  ...{ kind: Kind, parent: Parent },
  state: Type.Enum(ROLLOUT_STATES),
  haltedBy: HaltedBy,
  sentence: Type.String({ description: 'why it is in this state' }),
  wave: Type.Integer({ description: 'index of the open wave, -1 before the first' }),
  sizes: Type.Array(Type.Integer(), { description: 'devices of each wave, cumulative' }),
  approvedWaves: Type.Integer({ minimum: 0, description: 'waves that an approver has approved' }),
  needsApproval: Type.Boolean({
    description: 'the next wave waits, or will wait, for an approver',
  }),
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

const Arm = Type.Enum(['', 'control', 'candidate'], {
  description: 'of an A/B rollout: control devices keep their version',
});

const Ladder = Type.Array(Type.String(), {
  description: 'precisions in the order in which they are tried on it; then it keeps what it ran',
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
  ladder: Ladder,
  arm: Arm,
  rung: Type.Integer({ description: 'index in ladder of the variant that it is at' }),
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
  id: Id,
  atMs: Millis,
  kind: Type.String(),
  sentence: Type.String(),
});

export const RolloutDetail = Type.Interface([RolloutSummary], {
  settings: Settings,
  devices: Type.Array(RolloutDevice, { description: 'the first 1000; all of them by /devices' }),
  verdicts: Type.Array(GateVerdict),
  events: Type.Array(RolloutEvent, { description: 'the newest 1000, oldest first' }),
});

/** The answer to a person who changed a rollout. */
export const RolloutChanged = Type.Interface([RolloutDetail], {
  answer: Type.String({
    description: 'what was done: "wave 1 of 2 of parts@3 is approved"; "parts@3 is paused already"',
  }),
});

/** Body of `POST rollouts/{id}/approve`, which may be left out. */
export const ApproveRequest = Type.Object(
  {
    wave: Type.Optional(
      Type.Integer({
        minimum: 1,
        description:
          'from 1; left out: the wave that opens next, once the devices of the approved one that is open have ended. Sent again later that may be another one: a client that repeats requests names it',
      }),
    ),
  },
  { additionalProperties: false },
);

const Standings = Type.Partial(
  Type.Object(
    Object.fromEntries(STANDINGS.map((name) => [name, Count])) as Record<Standing, typeof Count>,
  ),
  { description: 'devices by how they stand' },
);

/** How a rollout goes, summed up; of the same size for any number of devices. */
export const RolloutProgress = Type.Object({
  ...{ id: Id, model: Type.String(), version: Type.Integer(), selector: Type.String() },
  ...{ kind: Kind, parent: Parent },
  state: Type.Enum(ROLLOUT_STATES),
  haltedBy: HaltedBy,
  sentence: Type.String({ description: 'why it is in this state' }),
  wave: Type.Integer({ description: 'index of the open wave, -1 before the first' }),
  createdBy: Type.String(),
  createdMs: Millis,
  endedMs: Type.Integer({ minimum: 0, description: '0 until it has ended' }),
  waves: Type.Array(
    Type.Object({
      index: Count,
      state: Type.Enum(WAVE_STATES),
      size: Type.Integer({ minimum: 0, description: 'devices that come with this wave' }),
      reaches: Type.Integer({ minimum: 0, description: 'devices of this wave and those before' }),
      counts: Standings,
    }),
  ),
  strata: Type.Array(Type.Object({ stratum: Type.String(), size: Count, counts: Standings }), {
    description: 'those with the most devices, at most 50',
  }),
  furtherStrata: Type.Integer({ minimum: 0, description: 'strata that are left out' }),
  apart: Type.Object({
    ...{ unsuitable: Count, unchanged: Count },
    control: Type.Integer({ minimum: 0, description: 'arm A, which keeps its version' }),
  }),
  asked: Type.Integer({ minimum: 0, description: 'devices that were ever asked to take it' }),
  inFlight: Type.Integer({ minimum: 0, description: 'asked, and neither ended nor expired' }),
  away: Type.Integer({ minimum: 0, description: 'of those on their way, not connected' }),
  approvedWaves: Type.Integer({ minimum: 0, description: 'waves that an approver has approved' }),
  needsApproval: Type.Boolean({
    description: 'the next wave waits, or will wait, for an approver',
  }),
  perMinute: Type.Number({ description: 'devices that the rate allows now; 0: it sets none' }),
  takenLastMinute: Type.Integer({ minimum: 0, description: 'devices' }),
  firstFailureMs: Type.Integer({
    minimum: 0,
    description: 'when the first device could not keep the version; 0 while all could',
  }),
  haltedMs: Type.Integer({ minimum: 0, description: '0 unless it was halted' }),
  waitsFor: Type.Object({
    what: Type.Enum(WAITS),
    sentence: Type.String({ description: 'empty where it waits for nothing any more' }),
    untilMs: Type.Integer({
      minimum: 0,
      description: "when it goes on without anybody's doing; 0 where that is not known",
    }),
  }),
  verdicts: Type.Array(GateVerdict, { description: 'of the newest wave that was judged' }),
  events: Type.Array(RolloutEvent, { description: 'the newest 100, oldest first' }),
  nowMs: Millis,
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
  ladder: Ladder,
  stratum: Type.String(),
  arm: Arm,
});

const DraftGroup = Type.Object({
  ...{ wave: Type.Integer(), stratum: Type.String(), target: Type.String() },
  ...{ state: Type.String(), precision: Type.String(), reason: Type.String() },
  devices: Count,
  ladder: Ladder,
  arm: Arm,
});

export const RolloutDraftAnswer = Type.Object({
  id: Type.String({ description: 'empty for a dry run' }),
  dryRun: Type.Boolean(),
  model: Type.String(),
  version: Type.Integer(),
  slot: Type.String(),
  selector: Type.String(),
  sizes: Type.Array(Type.Integer()),
  warnings: Type.Array(Type.String(), {
    description: 'what a person should know before it begins, one sentence each',
  }),
  settings: Settings,
  matched: Type.Integer({ minimum: 0, description: 'devices that the selector matches' }),
  groups: Type.Array(DraftGroup, {
    description: 'all of them by what they get and why, the largest 500 groups',
  }),
  furtherGroups: Count,
  startsMs: Type.Array(Count, {
    description: 'when each wave could begin at the earliest; 0: not within two weeks',
  }),
  devices: Type.Array(DraftDevice, { description: 'the first 1000' }),
});
