import { Type } from 'typebox';
import { LAB_ORDER_STATES, LAB_RUN_STATES } from '../lab/plan.ts';
import { FleetAnd, Id, Millis, ModelName } from './schemas.ts';

export const VersionParams = FleetAnd({
  model: ModelName,
  version: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }),
});

export const LabRunParams = Type.Object({ ...VersionParams.properties, run: Id });

export const LabRunRequest = Type.Object(
  {
    devices: Type.String({ maxLength: 1000, description: "Selector, such as 'group=lab'" }),
    timeoutMs: Type.Optional(
      Type.Integer({
        minimum: 1000,
        maximum: 86_400_000,
        default: 600_000,
        description: 'How long a device may take over one variant, its download included',
      }),
    ),
  },
  { additionalProperties: false },
);

export const LabRunSummary = Type.Object({
  id: Id,
  model: Type.String(),
  version: Type.Integer(),
  selector: Type.String(),
  state: Type.Enum(LAB_RUN_STATES),
  timeoutMs: Type.Integer(),
  createdBy: Type.String(),
  createdMs: Millis,
  endedMs: Type.Integer({ minimum: 0, description: '0 until it has ended' }),
});

const LabOrder = Type.Object({
  device: Id,
  name: Type.String(),
  target: Type.String(),
  precision: Type.String({ description: 'empty where no variant suits the device' }),
  digest: Type.String(),
  state: Type.Enum(LAB_ORDER_STATES),
  attempt: Type.Integer(),
  code: Type.String(),
  detail: Type.String(),
  started: Type.Boolean({ description: 'the device has taken it up' }),
  sentMs: Type.Integer(),
  endedMs: Type.Integer(),
});

export const LabRunDetail = Type.Interface([LabRunSummary], {
  orders: Type.Array(LabOrder, { description: 'by device, in the order of their turns' }),
});

export const Measurements = Type.Object({
  model: Type.String(),
  version: Type.Integer(),
  variants: Type.Array(
    Type.Object({
      target: Type.String(),
      precision: Type.String(),
      digest: Type.String(),
      withinBudget: Type.Boolean(),
      devices: Type.Integer({ description: 'devices that ran it' }),
      latencyMs: Type.Number({ description: 'median over these devices; 0 where none ran it' }),
      failed: Type.Integer({ description: 'devices on which it could not run' }),
      code: Type.String({ description: 'why not, as most of them said' }),
    }),
  ),
  choices: Type.Array(
    Type.Object({
      target: Type.String(),
      precision: Type.String({ description: 'empty where no variant suits the target' }),
      digest: Type.String(),
      reason: Type.String(),
    }),
    { description: 'what a device of each target gets' },
  ),
  measurements: Type.Array(
    Type.Object({
      device: Id,
      name: Type.String(),
      target: Type.String(),
      precision: Type.String(),
      digest: Type.String(),
      p50Ms: Type.Number(),
      p95Ms: Type.Number(),
      rssBytes: Type.Integer(),
      runtime: Type.String(),
      provider: Type.String(),
      code: Type.String({ description: 'why it could not be measured; empty where it was' }),
      detail: Type.String(),
      atMs: Millis,
    }),
  ),
});
