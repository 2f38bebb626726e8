import { FlotillaError } from '@flotilla/protocol';
import { type Static, Type } from 'typebox';
import { DownloadPolicy, findPolicyFault } from '../devices/download-policy.ts';
import { timeText } from '../time-text.ts';
import { DEFAULT_GATES, GATE_NAMES, type GateSettings } from './gates/types.ts';
import { KIND_REQUEST, type KindSettings, kindOf, PLAIN_KIND } from './kinds/settings.ts';
import { PLAIN_STRATEGY, STRATEGY_REQUEST, type Strategy, strategyOf } from './strategy.ts';

const DAY = 86_400_000;
const MINUTE = 60_000;

const duration = (maximum: number, minimum = 0) =>
  Type.Optional(Type.Integer({ minimum, maximum, description: 'Milliseconds' }));
const share = Type.Optional(Type.Number({ minimum: 0, maximum: 1 }));

const rise = Type.Optional(Type.Number({ minimum: 0, maximum: 100 }));

const GatesRequest = Type.Object(
  {
    maxFailedShare: share,
    maxCrashingShare: share,
    maxDeviatingShare: share,
    maxErrorRise: share,
    maxLatencyRise: rise,
    maxMemoryRise: rise,
    maxConfidenceDrop: share,
    maxClassDistance: share,
    maxDriftingShare: share,
    maxAccuracyDrop: share,
    maxDisagreement: share,
    minInferences: Type.Optional(Type.Integer({ minimum: 2, maximum: 1e9 })),
    alpha: Type.Optional(Type.Number({ minimum: 1e-12, maximum: 0.5 })),
    lookBackMs: duration(90 * DAY, MINUTE),
    disabled: Type.Optional(
      Type.Array(Type.Enum(GATE_NAMES), {
        maxItems: GATE_NAMES.length,
      }),
    ),
  },
  { additionalProperties: false },
);

/** Body of `POST /rollouts`. */
export const RolloutRequest = Type.Object(
  {
    model: Type.String({ maxLength: 63 }),
    version: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }),
    devices: Type.Optional(
      Type.String({
        maxLength: 1000,
        description: "Selector, such as 'site=lyon and online=true'",
      }),
    ),
    waves: Type.Optional(
      Type.Array(Type.String({ maxLength: 12 }), {
        maxItems: 1000,
        description:
          'Cumulative: numbers of devices (5) or shares (10%), the last 100%; 20 at most',
      }),
    ),
    soakMs: duration(30 * DAY),
    maxSoakMs: duration(90 * DAY),
    watchMs: duration(DAY),
    deadlineMs: duration(90 * DAY, 1),
    maxAttempts: Type.Optional(Type.Integer({ minimum: 1, maximum: 20 })),
    retryMs: duration(DAY),
    download: Type.Optional(DownloadPolicy),
    gates: Type.Optional(GatesRequest),
    ...STRATEGY_REQUEST,
    ...KIND_REQUEST,
  },
  { additionalProperties: false },
);
export type RolloutRequest = Static<typeof RolloutRequest>;

/** How a rollout goes about it; fixed when it is made. Times are milliseconds. */
export interface RolloutSettings extends Strategy, KindSettings {
  readonly waves: readonly string[];
  readonly soakMs: number;
  readonly maxSoakMs: number;
  readonly watchMs: number;
  readonly deadlineMs: number;
  readonly maxAttempts: number;
  readonly retryMs: number;
  /** What its downloads may take of which links, beside what fleet and device say. */
  readonly download?: DownloadPolicy;
  readonly gates: GateSettings;
}

/** @throws FlotillaError `rollout.invalid` */
export function settingsOf(request: RolloutRequest): RolloutSettings {
  const soakMs = request.soakMs ?? 10 * MINUTE;
  const kind = kindOf(request);
  const settings: RolloutSettings = {
    waves: request.waves ?? ['10%', '30%', '100%'],
    soakMs,
    maxSoakMs: request.maxSoakMs ?? Math.max(soakMs, Math.min(10 * soakMs, 7 * DAY)),
    watchMs: request.watchMs ?? 30_000,
    deadlineMs: request.deadlineMs ?? DAY,
    maxAttempts: request.maxAttempts ?? 3,
    retryMs: request.retryMs ?? MINUTE,
    ...(request.download === undefined ? {} : { download: request.download }),
    gates: { ...gatesFor(kind), ...request.gates },
    ...strategyOf(request),
    ...kind,
    ...(kind.kind === 'update' ? {} : { dynamic: false }),
  };
  const fault = findPolicyFault(request.download ?? {});
  if (fault !== undefined) refuse('download', fault);
  checkTimes(request, settings);
  return settings;
}

/** A fault is laid on what was given, not on what follows from it. */
function checkTimes(
  request: RolloutRequest,
  { soakMs, maxSoakMs, watchMs, deadlineMs }: RolloutSettings,
): void {
  if (maxSoakMs < soakMs) {
    const [longest, soak] = [timeText(maxSoakMs), timeText(soakMs)];
    refuse(
      'maxSoakMs',
      `the longest soak of ${longest} is shorter than the soak of ${soak}: set it to ${soak} or more, or shorten the soak`,
    );
  }
  if (deadlineMs <= watchMs) {
    const [attempt, watch] = [timeText(deadlineMs), timeText(watchMs)];
    refuse(
      request.deadlineMs === undefined ? 'watchMs' : 'deadlineMs',
      `the deadline of ${attempt} for an attempt leaves no time beside the watch time of ${watch}: set a later deadline or a shorter watch time`,
    );
  }
}

function refuse(field: string, reason: string): never {
  throw new FlotillaError('rollout.invalid', { reason, field });
}

const gatesFor = ({ shadow }: KindSettings): GateSettings =>
  shadow === undefined ? DEFAULT_GATES : { ...DEFAULT_GATES, minInferences: shadow.minCompared };

/** A shadow takes memory beside the model that serves: that says nothing against it. */
export const judgedGates = ({ kind, gates }: RolloutSettings): GateSettings =>
  kind === 'shadow' ? { ...gates, disabled: [...gates.disabled, 'memory'] } : gates;

/** As they are stored; what a rollout made before did not know has its default. */
export function storedSettings(json: string): RolloutSettings {
  const settings = JSON.parse(json) as RolloutSettings;
  return {
    ...PLAIN_STRATEGY,
    ...PLAIN_KIND,
    ...settings,
    gates: { ...DEFAULT_GATES, ...settings.gates },
  };
}
