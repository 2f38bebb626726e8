import { type Static, Type } from 'typebox';
import { Id, Millis } from '../../http/schemas.ts';

const Count = Type.Integer({ minimum: 0 });
const Counts = Type.Array(Type.Number({ minimum: 0 }));

/** What the head of every page shows. */
export const Overview = Type.Object({
  fleet: Type.String(),
  role: Type.String({ description: 'of the token that asks' }),
  halted: Type.Boolean(),
  wallMs: Millis,
  devices: Type.Object({ total: Count, online: Count, pending: Count }),
  rolloutsRunning: Count,
  alertsOpen: Count,
});
export type Overview = Static<typeof Overview>;

/** A slot of a device; figures are of the newest window, null before the version's first. */
export const SlotRow = Type.Object({
  slot: Type.String(),
  model: Type.String(),
  version: Count,
  precision: Type.String(),
  window: Type.Union([
    Type.Object({
      endMs: Millis,
      inferences: Count,
      errors: Count,
      p50Ms: Type.Number(),
      p95Ms: Type.Number(),
      confidence: Type.Number(),
      driftedFeatures: Count,
    }),
    Type.Null(),
  ]),
});
export type SlotRow = Static<typeof SlotRow>;

export const FleetRow = Type.Object({
  device: Id,
  name: Type.String(),
  status: Type.String(),
  target: Type.String(),
  online: Type.Boolean(),
  lastSeenMs: Millis,
  agentVersion: Type.String(),
  incompatible: Type.String({ description: 'why the agent does not fit this server; or empty' }),
  slots: Type.Array(SlotRow),
  inferencesDay: Type.Integer({ minimum: 0, description: 'in the last 24 hours' }),
  alerts: Type.Integer({ minimum: 0, description: 'open ones of this device' }),
});
export type FleetRow = Static<typeof FleetRow>;

/** p95 of the last windows, oldest first, by `device/slot`. */
export const Sparklines = Type.Object({
  lines: Type.Record(Type.String(), Type.Array(Type.Number())),
});
export type Sparklines = Static<typeof Sparklines>;

/** One version's part of a comparison; shares and means are weighted device by device. */
export const ComparedSide = Type.Object({
  version: Count,
  inferences: Count,
  errors: Count,
  confidence: Type.Number(),
  classes: Counts,
});
export type ComparedSide = Static<typeof ComparedSide>;

/** The new version against the previous one on the same devices; sides are null without evidence. */
export const Comparison = Type.Object({
  labels: Type.Array(Type.String()),
  before: Type.Union([ComparedSide, Type.Null()]),
  now: Type.Union([ComparedSide, Type.Null()]),
  devices: Type.Array(
    Type.Object({
      device: Id,
      name: Type.String(),
      before: Type.Number(),
      now: Type.Number(),
      inferences: Count,
    }),
  ),
});
export type Comparison = Static<typeof Comparison>;

/** What a version predicts now beside what it predicted on its evaluation data. */
export const Predictions = Type.Object({
  model: Type.String(),
  version: Count,
  inferences: Count,
  labels: Type.Array(Type.String()),
  classes: Type.Object({ reference: Counts, observed: Counts }),
  confidence: Type.Object({ reference: Counts, observed: Counts }),
});
export type Predictions = Static<typeof Predictions>;
