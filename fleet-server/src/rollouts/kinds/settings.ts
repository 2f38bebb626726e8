import { FlotillaError } from '@flotilla/protocol';
import { type Static, Type } from 'typebox';

/**
 * What a rollout does with a version: `update` puts it in the place of what runs; `shadow` runs it
 * beside that, on some of the same inputs; `ab` updates a share of the devices and compares them
 * with the others.
 */
export const ROLLOUT_KINDS = ['update', 'shadow', 'ab'] as const;
export type RolloutKind = (typeof ROLLOUT_KINDS)[number];

/** Who turns a shadow or an A/B rollout into an update of all its devices. */
export const PROMOTIONS = ['command', 'gate'] as const;
export type Promotion = (typeof PROMOTIONS)[number];

const MAX_HOURS = 90 * 24;
const permille = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description }));
const maxHours = Type.Optional(
  Type.Integer({ minimum: 1, maximum: MAX_HOURS, description: 'It ends then, undecided' }),
);

/** Of the body of `POST /rollouts`: what is done with the version. */
export const KIND_REQUEST = {
  kind: Type.Optional(
    Type.Union([Type.Literal('update'), Type.Literal('shadow'), Type.Literal('ab')]),
  ),
  promote: Type.Optional(
    Type.Union([Type.Literal('command'), Type.Literal('gate')], {
      description: 'gate: a shadow or A/B rollout becomes an update once no gate is against it',
    }),
  ),
  shadow: Type.Optional(
    Type.Object(
      {
        samplePermille: permille('Of the inferences of the active model'),
        busyPermille: permille('Most of the time that the shadow may compute'),
        maxTemperatureC: Type.Optional(
          Type.Number({ minimum: 0, maximum: 150, description: 'It rests above; 0 is no limit' }),
        ),
        minCompared: Type.Optional(
          Type.Integer({ minimum: 2, maximum: 1e9, description: 'Inferences before it is judged' }),
        ),
        maxHours,
      },
      { additionalProperties: false },
    ),
  ),
  ab: Type.Optional(
    Type.Object(
      {
        sharePercent: Type.Optional(
          Type.Integer({ minimum: 1, maximum: 99, description: 'Of the devices get the version' }),
        ),
        maxHours,
      },
      { additionalProperties: false },
    ),
  ),
};

const KindRequest = Type.Object(KIND_REQUEST);
type KindRequest = Static<typeof KindRequest>;

export interface ShadowSettings {
  readonly samplePermille: number;
  readonly busyPermille: number;
  readonly maxTemperatureC: number;
  readonly minCompared: number;
  readonly maxHours: number;
}

export interface AbSettings {
  readonly sharePercent: number;
  readonly maxHours: number;
}

/** What is done with the version. */
export interface KindSettings {
  readonly kind: RolloutKind;
  readonly promote: Promotion;
  /** Of kind `shadow`. */
  readonly shadow?: ShadowSettings;
  /** Of kind `ab`. */
  readonly ab?: AbSettings;
}

/** Of a rollout that was made before there were kinds. */
export const PLAIN_KIND: KindSettings = { kind: 'update', promote: 'command' };

const SHADOW: ShadowSettings = {
  samplePermille: 100,
  busyPermille: 200,
  maxTemperatureC: 75,
  minCompared: 1000,
  maxHours: 7 * 24,
};
const AB: AbSettings = { sharePercent: 50, maxHours: 14 * 24 };

/** @throws FlotillaError `rollout.invalid` */
export function kindOf({ kind = 'update', promote, shadow, ab }: KindRequest): KindSettings {
  if (shadow !== undefined && kind !== 'shadow') refuse('shadow', 'shadow', kind);
  if (ab !== undefined && kind !== 'ab') refuse('ab', 'ab', kind);
  if (promote !== undefined && kind === 'update') refuse('promote', 'shadow or ab', kind);
  return {
    kind,
    promote: promote ?? 'command',
    ...(kind === 'shadow' && { shadow: { ...SHADOW, ...shadow } }),
    ...(kind === 'ab' && { ab: { ...AB, ...ab } }),
  };
}

function refuse(key: string, kinds: string, kind: RolloutKind): never {
  const reason = `${key} is of rollouts of kind ${kinds}, and this one is of kind ${kind}`;
  throw new FlotillaError('rollout.invalid', { reason, field: key });
}

const HOUR_MS = 3_600_000;

/** When a comparison is over, from the start that it was given on. */
export function comparesUntilMs({
  settings,
  createdMs,
}: {
  readonly settings: KindSettings & { readonly startMs: number };
  readonly createdMs: number;
}): number {
  return Math.max(createdMs, settings.startMs) + maxHoursOf(settings) * HOUR_MS;
}

export const maxHoursOf = ({ shadow, ab }: KindSettings): number =>
  shadow?.maxHours ?? ab?.maxHours ?? 0;
