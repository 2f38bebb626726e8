import { type TrustedState, trustRoot } from '@flotilla/protocol';
import { type Static, type TSchema, Type } from 'typebox';

/** Version of the journal's layout; a newer one is refused. */
export const JOURNAL_FORMAT = 1;

const Count = Type.Integer({ minimum: 0 });
const Amount = Type.Number({ minimum: 0 });
const Text = Type.String({ maxLength: 4096 });

/** What may be fetched over a link that costs by the byte. */
const Metered = Type.Union([
  Type.Literal('allow'),
  Type.Literal('delta-only'),
  Type.Literal('wait'),
]);

/** How blobs come; `auto`: over HTTP, and over MQTT where HTTP does not answer. */
const TransportPolicy = Type.Union([
  Type.Literal('auto'),
  Type.Literal('http'),
  Type.Literal('mqtt'),
]);

/** How much of the slot's work a shadow sees; as `ShadowPlan` of the protocol. */
const ShadowPlan = Type.Object({
  samplePermille: Count,
  busyPermille: Count,
  maxTemperatureC: Amount,
});

/** A bundle that a device is to run in a slot; `attempt` is raised by the server only. */
const WantedDeployment = Type.Object({
  id: Text,
  attempt: Count,
  slot: Text,
  digest: Text,
  url: Text,
  size: Count,
  model: Text,
  version: Count,
  precision: Text,
  /** Window and deadline in wall-clock ms; 0 is open. */
  notBeforeMs: Count,
  notAfterMs: Count,
  deadlineMs: Count,
  watchMs: Count,
  targetPath: Text,
  metered: Type.Optional(Metered),
  /** Bytes/s for its download; none is no cap. */
  bandwidth: Type.Optional(Count),
  /** Named in the shadow's place of a slot, to run beside the active one. */
  shadow: Type.Optional(ShadowPlan),
  /** Named there to be measured, and never run. */
  measureOnly: Type.Optional(Type.Literal(true)),
  /** Loaded by a person on the device, not named by the server. */
  local: Type.Optional(Type.Literal(true)),
});

const Installed = Type.Object({
  deployment: Text,
  attempt: Count,
  digest: Text,
  model: Text,
  version: Count,
  precision: Text,
});

const WantedSlot = Type.Object({
  name: Text,
  mode: Type.Union([Type.Literal('present'), Type.Literal('absent')]),
  active: Type.Optional(WantedDeployment),
  shadow: Type.Optional(WantedDeployment),
  /** Of a slot that is to be absent: what runs there in its place, if it did before. */
  restore: Type.Optional(Installed),
});

/** What the server demands of models on this device; 0 demands nothing. */
const Limits = Type.Object({
  maxLatencyMs: Amount,
  maxRssBytes: Amount,
  watchLatencyFactor: Amount,
  watchMemoryBytes: Amount,
});

/** The desired state last taken, ordered by (generation, revision). */
const Wanted = Type.Object({
  generation: Count,
  revision: Count,
  slots: Type.Array(WantedSlot),
  keep: Type.Array(Text),
  telemetryWindowMs: Count,
  /** Journals of 1.0 do not have these. */
  limits: Type.Optional(Limits),
  /** What holds for every download of the device. */
  download: Type.Optional(
    Type.Object({
      metered: Type.Optional(Metered),
      bandwidth: Type.Optional(Count),
      transport: Type.Optional(TransportPolicy),
    }),
  ),
  /** The signed director document, as text. */
  director: Type.String(),
});

const Halt = Type.Object({ generation: Count, counter: Count, halted: Type.Boolean() });

/** The last step of an attempt that is done. */
const Stage = Type.Union([
  Type.Literal('accepted'),
  Type.Literal('downloaded'),
  Type.Literal('verified'),
  Type.Literal('tested'),
  Type.Literal('activated'),
  Type.Literal('watched'),
]);

const Fault = Type.Object({ code: Text, detail: Text, step: Text });

const Ending = Type.Object({
  result: Type.Union([
    Type.Literal('RESULT_COMMITTED'),
    Type.Literal('RESULT_ROLLED_BACK'),
    Type.Literal('RESULT_FAILED'),
    Type.Literal('RESULT_REMOVED'),
  ]),
  step: Text,
  code: Text,
  detail: Text,
});

const SelfTestFigures = Type.Object({
  passed: Type.Boolean(),
  maxAbsError: Type.Number(),
  latencyMs: Type.Number(),
  samples: Count,
  /** Of the benchmark; journals of 1.0 do not have these. */
  latencyP95Ms: Type.Optional(Type.Number()),
  rssBytes: Type.Optional(Count),
  /** Journals of before 1.1 do not have this. */
  toleranceUsed: Type.Optional(Type.Number()),
  /** What took the model, and why others did not; journals of 1.0 do not have these. */
  runtime: Type.Optional(Text),
  provider: Type.Optional(Text),
  fallbacks: Type.Optional(Type.Array(Text)),
});

/** What the download took from the network; bytes. */
const Transfer = Type.Object({
  bytes: Count,
  /** Of these as deltas. */
  deltaBytes: Count,
  /** Of these over MQTT. */
  mqttBytes: Count,
  /** Why a way that was tried first was given up. */
  fallbacks: Type.Array(Text),
});

const Attempt = Type.Object({
  deployment: WantedDeployment,
  stage: Stage,
  transfer: Type.Optional(Transfer),
  selfTest: Type.Optional(SelfTestFigures),
  /** Set when a step failed: the attempt is to be ended. */
  fault: Type.Optional(Fault),
  /** Set when the attempt has ended; it never starts again. */
  ending: Type.Optional(Ending),
  /** The ending lies in the outbox. */
  reported: Type.Boolean(),
});

const SlotState = Type.Object({
  /** Committed: what serves when nothing is on trial. */
  active: Type.Optional(Installed),
  /** Activated and watched, not yet committed. */
  trial: Type.Optional(Installed),
  /** Starts of the agent with this trial that did not end in a clean stop. */
  trialStarts: Count,
});

/** What runs, or is to run, beside the active model of a slot. */
const ShadowState = Type.Object({
  installed: Installed,
  /** Starts of the agent with this shadow that neither ended in a clean stop nor lasted long. */
  starts: Count,
  /** Why it must end. */
  fault: Type.Optional(Fault),
});

/** A bundle that a person loaded into a slot. */
const Hold = Type.Object({
  deployment: WantedDeployment,
  /** What the server had said of the slot then: it holds until the server says something else. */
  over: Text,
  /** Of the bundle: none of a lower epoch is loaded once it is committed. */
  epoch: Count,
  /** What the fleet had put there, to go back to. */
  replaced: Type.Optional(Installed),
  /** Set when it is to go. */
  unload: Type.Optional(Type.Literal(true)),
});

/** Starts of the agent. */
const Starts = Type.Object({
  /** Those that no clean stop came before. */
  unclean: Count,
  /** Whether the agent runs: set at a start, cleared by a clean stop. */
  running: Type.Boolean(),
});

/** What the trust workflow must remember between starts (TUF specification §5.3–5.6). */
const Trusted = Type.Object({
  root: Type.String(),
  timestampVersion: Count,
  snapshotVersion: Count,
  targetsVersion: Count,
  directorVersion: Count,
  epochs: Type.Optional(Type.Record(Type.String(), Count)),
});

/** Everything the agent must remember over a power cut, in one file that is replaced whole. */
export const JournalState = Type.Object({
  format: Type.Literal(JOURNAL_FORMAT),
  connectSeq: Count,
  wanted: Wanted,
  halt: Halt,
  trusted: Trusted,
  slots: Type.Record(Type.String(), SlotState),
  attempts: Type.Array(Attempt),
  /** Bundles of which anything lies on disk, by manifest digest. */
  bundles: Type.Record(
    Type.String(),
    Type.Union([Type.Literal('partial'), Type.Literal('complete')]),
  ),
  /** By slot; journals of before 1.1 do not have this. */
  shadows: Type.Optional(Type.Record(Type.String(), ShadowState)),
  /** By slot: loaded by hand and committed, and on its way there; journals of 1.0 do not have these. */
  holds: Type.Optional(Type.Record(Type.String(), Hold)),
  loading: Type.Optional(Type.Record(Type.String(), Hold)),
  /** Journals of before 1.1 do not have this. */
  starts: Type.Optional(Starts),
  /** Highest security epoch that was loaded or demanded by hand, by model. */
  localEpochs: Type.Optional(Type.Record(Type.String(), Count)),
}) satisfies TSchema;

export type JournalState = Static<typeof JournalState>;
export type Metered = Static<typeof Metered>;
export type TransportPolicy = Static<typeof TransportPolicy>;
export type Transfer = Static<typeof Transfer>;
export type ShadowPlan = Static<typeof ShadowPlan>;
export type WantedDeployment = Static<typeof WantedDeployment>;
export type WantedSlot = Static<typeof WantedSlot>;
export type Limits = Static<typeof Limits>;
export type Wanted = Static<typeof Wanted>;
export type HaltState = Static<typeof Halt>;
export type Stage = Static<typeof Stage>;
export type Attempt = Static<typeof Attempt>;
export type Ending = Static<typeof Ending>;
export type Fault = Static<typeof Fault>;
export type Installed = Static<typeof Installed>;
export type Hold = Static<typeof Hold>;
export type ShadowState = Static<typeof ShadowState>;
export type SlotState = Static<typeof SlotState>;
export type SelfTestFigures = Static<typeof SelfTestFigures>;

/** A device that has been told nothing yet. */
export function emptyState(root: string): JournalState {
  return {
    format: JOURNAL_FORMAT,
    connectSeq: 0,
    wanted: {
      generation: 0,
      revision: 0,
      slots: [],
      keep: [],
      telemetryWindowMs: 0,
      director: '',
    },
    halt: { generation: 0, counter: 0, halted: false },
    trusted: mutable(trustRoot(root)),
    slots: {},
    attempts: [],
    bundles: {},
  };
}

/** The trusted state as the journal holds it. */
export const mutable = ({ epochs, ...rest }: TrustedState): JournalState['trusted'] =>
  epochs === undefined ? rest : { ...rest, epochs: { ...epochs } };

type Pair = Pick<WantedDeployment, 'id' | 'attempt'>;

export const samePair = (a: Pair, b: Pair): boolean => a.id === b.id && a.attempt === b.attempt;

export const pairOf = ({ deployment, attempt }: Installed): Pair => ({ id: deployment, attempt });

export const sameInstalled = (a: Installed, b: Installed): boolean =>
  a.deployment === b.deployment && a.attempt === b.attempt;

/** The record of a (deployment, attempt), if this device ever began it. */
export function findAttempt(state: Pick<JournalState, 'attempts'>, pair: Pair) {
  return state.attempts.find((attempt) => samePair(attempt.deployment, pair));
}

export const isActivated = (attempt: Attempt): boolean =>
  attempt.stage === 'activated' || attempt.stage === 'watched';
