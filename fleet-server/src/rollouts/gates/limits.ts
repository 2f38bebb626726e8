import type { GateName, GateSettings } from './types.ts';

/** The setting that holds the limit of a gate. */
export const LIMIT_KEYS = {
  activations: 'maxFailedShare',
  crashes: 'maxCrashingShare',
  'self-test': 'maxDeviatingShare',
  errors: 'maxErrorRise',
  latency: 'maxLatencyRise',
  memory: 'maxMemoryRise',
  confidence: 'maxConfidenceDrop',
  'class-mix': 'maxClassDistance',
  drift: 'maxDriftingShare',
  accuracy: 'maxAccuracyDrop',
  disagreement: 'maxDisagreement',
} as const satisfies Record<GateName, keyof GateSettings>;
