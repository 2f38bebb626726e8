export interface ServerConfig {
  /** Name of the fleet that is made at the first start. */
  readonly fleet: string;
  /** URL under which devices reach the HTTP API; empty: where it listens. */
  readonly publicUrl: string;
  readonly telemetryWindowMs: number;
}
