/** Tables of rollouts, telemetry, drift and alerts. */
export type TelemetryTables = Record<never, never>;
