import { FlotillaError } from '@flotilla/protocol';
import { type Static, Type } from 'typebox';
import type { Rate } from './pace/rate.ts';
import {
  DAYS,
  knownZone,
  lengthMinutes,
  type MaintenanceWindow,
  SHORTEST_MINUTES,
} from './pace/windows.ts';

const MOST_DEVICES = 1_000_000;
const HOUR = 3_600_000;

const count = (description: string, minimum = 1) =>
  Type.Optional(Type.Integer({ minimum, maximum: MOST_DEVICES, description }));

const time = (pattern: string, description: string) =>
  Type.String({ pattern, maxLength: 5, description });

const Window = Type.Object(
  {
    days: Type.Optional(
      Type.Array(Type.Enum(DAYS), {
        maxItems: DAYS.length,
        description: 'Days on which it begins; every day where none is named',
      }),
    ),
    from: time('^([01][0-9]|2[0-3]):[0-5][0-9]$', 'HH:MM from 00:00 to 23:59'),
    to: time('^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$', 'HH:MM from 00:00 to 24:00'),
    timeZone: Type.Optional(
      Type.String({ maxLength: 64, description: "IANA name; the device's own zone where absent" }),
    ),
  },
  { additionalProperties: false },
);

/** Of the body of `POST /rollouts`: when, how fast and in which order devices are asked. */
export const STRATEGY_REQUEST = {
  stratify: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 63 }), {
      maxItems: 4,
      description: 'Keys or tags by whose values waves are balanced; target and site unless set',
    }),
  ),
  rate: Type.Optional(
    Type.Object(
      {
        perMinute: Type.Integer({ minimum: 1, maximum: MOST_DEVICES, description: 'Devices' }),
        factor: Type.Optional(Type.Number({ minimum: 1, maximum: 100 })),
        after: count('Devices that commit before the rate is multiplied by the factor'),
        max: count('Devices per minute at most'),
      },
      { additionalProperties: false },
    ),
  ),
  rollBackPerMinute: count('Devices per minute on the way back; all at once unless set'),
  maxInFlight: count('Devices at most whose attempt has not ended'),
  startMs: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 4_102_444_800_000, description: 'Not before; Unix ms' }),
  ),
  maintenance: Type.Optional(Type.Array(Window, { maxItems: 14 })),
  approval: Type.Optional(
    Type.Union([Type.Literal('none'), Type.Literal('start'), Type.Literal('each')], {
      description: 'Whether an approver must approve the first wave (start) or every wave (each)',
    }),
  ),
  retry: Type.Optional(
    Type.Object(
      {
        networkAttempts: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
        maxPauseMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 24 * HOUR })),
      },
      { additionalProperties: false },
    ),
  ),
  priority: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 9, description: 'A higher one takes devices over' }),
  ),
  dynamic: Type.Optional(
    Type.Boolean({ description: 'Devices that come to match later join the last wave' }),
  ),
};

const StrategyRequest = Type.Object(STRATEGY_REQUEST);
type StrategyRequest = Static<typeof StrategyRequest>;

export const APPROVALS = ['none', 'start', 'each'] as const;
export type Approval = (typeof APPROVALS)[number];

/** When, how fast and in which order devices are asked. */
export interface Strategy {
  /** Selector keys or tags by whose values waves are balanced. */
  readonly stratify: readonly string[];
  readonly rate?: Rate;
  readonly rollBackPerMinute?: number;
  readonly maxInFlight?: number;
  /** 0: at once. */
  readonly startMs: number;
  readonly maintenance: readonly MaintenanceWindow[];
  readonly approval: Approval;
  readonly retry: {
    /** Attempts for a failure of the network, which is nobody's fault. */
    readonly networkAttempts: number;
    /** The pause between attempts doubles up to that. */
    readonly maxPauseMs: number;
  };
  readonly priority: number;
  /** Devices that come to match later join the last wave. */
  readonly dynamic: boolean;
}

/** Of a rollout that was made before there were strategies. */
export const PLAIN_STRATEGY: Strategy = {
  stratify: [],
  startMs: 0,
  maintenance: [],
  approval: 'none',
  retry: { networkAttempts: 50, maxPauseMs: HOUR },
  priority: 5,
  dynamic: false,
};

/** @throws FlotillaError `rollout.invalid` */
export function strategyOf(request: StrategyRequest): Strategy {
  const { rate, rollBackPerMinute, maxInFlight, retry, maintenance = [] } = request;
  if (rate !== undefined) checkRate(rate);
  for (const window of maintenance) checkWindow(window);
  return {
    stratify: [...new Set(request.stratify ?? ['target', 'site'])],
    ...(rate && { rate }),
    ...(rollBackPerMinute && { rollBackPerMinute }),
    ...(maxInFlight && { maxInFlight }),
    startMs: request.startMs ?? 0,
    maintenance,
    approval: request.approval ?? 'none',
    retry: { ...PLAIN_STRATEGY.retry, ...retry },
    priority: request.priority ?? PLAIN_STRATEGY.priority,
    dynamic: request.dynamic ?? true,
  };
}

function checkRate({ perMinute, factor, after, max }: Rate): void {
  if ((factor === undefined) !== (after === undefined)) {
    refuse(
      'rate',
      'a rate that grows needs both factor and after: 10 per minute, × 2 every 50 devices',
    );
  }
  if (max !== undefined && max < perMinute) {
    refuse('rate', `the rate begins with ${perMinute} per minute, above its maximum of ${max}`);
  }
}

function checkWindow(window: MaintenanceWindow): void {
  const { from, to, timeZone } = window;
  if (lengthMinutes(window) < SHORTEST_MINUTES) {
    refuse(
      'maintenance',
      `maintenance from ${from} to ${to} is shorter than ${SHORTEST_MINUTES} minutes`,
    );
  }
  if (timeZone !== undefined && timeZone !== 'UTC' && knownZone(timeZone) === 'UTC') {
    refuse(
      'maintenance',
      `there is no time zone ${JSON.stringify(timeZone)}; write it as Europe/Paris`,
    );
  }
}

function refuse(field: string, reason: string): never {
  throw new FlotillaError('rollout.invalid', { reason, field });
}
