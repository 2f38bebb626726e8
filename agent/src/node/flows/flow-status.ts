import type { SinkStatus } from './outlet.ts';

/**
 * `waiting`: the slot has no model yet; `restarting`: the source failed and is run again after a
 * pause; `ended`: the source was at its end, and all of it is inferred on.
 */
export type FlowState = 'waiting' | 'running' | 'restarting' | 'ended' | 'stopped';

/** How a flow fares; counts are of this start of the agent. */
export interface FlowStatus extends FlowFigures {
  readonly flow: string;
  readonly state: FlowState;
  readonly source: string;
  readonly model: string;
  readonly sinks: readonly SinkStatus[];
}

export interface FlowFigures {
  /** Items that came, and those of them that were never looked at. */
  readonly items: number;
  readonly dropped: number;
  readonly inferred: number;
  /** Items that could not be read, or that the model refused. */
  readonly failed: number;
  /** Results that the filter held back. */
  readonly filtered: number;
  /** Starts of the source after it failed. */
  readonly restarts: number;
  /** In a second, of the last ten seconds. */
  readonly itemsPerSecond: number;
  readonly inferredPerSecond: number;
  /** Median age of an item when it is taken for inference, of the last ten seconds. */
  readonly ageMs?: number;
  /** What went wrong last, and when (ISO 8601). */
  readonly error?: string;
  readonly errorAt?: string;
}
