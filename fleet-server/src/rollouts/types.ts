import type { GateName, Verdict } from './gates/types.ts';

/**
 * A rollout's state. `halted` means that a gate closed or an operator aborted, and the devices that
 * took the new version are on their way back; it ends as `rolled-back` or `aborted`.
 */
export const ROLLOUT_STATES = [
  'running',
  'paused',
  'halted',
  'rolled-back',
  'done',
  'aborted',
] as const;
export type RolloutState = (typeof ROLLOUT_STATES)[number];

/** What ends a rollout early: a gate, or a person. */
export type HaltCause = GateName | 'operator';

/**
 * How a device stands in a rollout. `expired` devices did not answer within the deadline: their
 * wave does not wait for them, but a late answer still counts. `withdrawn` devices are no longer
 * asked to take the version. `unsuitable` and `unchanged` devices never take part.
 */
export const MEMBER_STATES = [
  'pending',
  'sent',
  'in-progress',
  'committed',
  'failed',
  'rolled-back',
  'expired',
  'withdrawn',
  'unsuitable',
  'unchanged',
] as const;
export type MemberState = (typeof MEMBER_STATES)[number];

/** How the way back to the previous version stands on a device; `none` until it is ordered. */
export const BACK_STATES = [
  'none',
  'sent',
  'in-progress',
  'committed',
  'failed',
  'withdrawn',
] as const;
export type BackState = (typeof BACK_STATES)[number];

/** What the planner needs to know of a device; times are the server's wall-clock milliseconds. */
export interface PlanMember {
  readonly device: string;
  /** Place in the order of the waves, 0 first; −1 for devices that take no part. */
  readonly position: number;
  readonly state: MemberState;
  readonly attempt: number;
  /** The device has said something of this attempt. */
  readonly started: boolean;
  /** The failure may pass: the same attempt again could succeed. */
  readonly retryable: boolean;
  readonly sentMs: number;
  readonly endedMs: number;
  readonly backState: BackState;
  readonly backAttempt: number;
  readonly backEndedMs: number;
}

export interface PlanRollout {
  readonly state: RolloutState;
  readonly haltedBy: HaltCause | undefined;
  /** Devices of each wave, cumulative and growing; the last is the whole membership. */
  readonly sizes: readonly number[];
  /** Index of the open wave, −1 before the first. */
  readonly wave: number;
  readonly soakMs: number;
  /** A wave whose gates still lack evidence after this time passes with a note. */
  readonly maxSoakMs: number;
  /** A device that has not ended an attempt after this time no longer holds up its wave. */
  readonly deadlineMs: number;
  readonly maxAttempts: number;
  /** Pause before a second attempt; doubles with each further one. */
  readonly retryMs: number;
}

/** All that a plan depends on. */
export interface RolloutSnapshot {
  readonly rollout: PlanRollout;
  readonly members: readonly PlanMember[];
  readonly verdicts: readonly Verdict[];
}

/** The next thing to do; each is executed in one transaction. Lists name devices. */
export type Action =
  | { readonly kind: 'openWave'; readonly wave: number; readonly note: string }
  | { readonly kind: 'deploy'; readonly devices: readonly string[] }
  | { readonly kind: 'retry'; readonly device: string; readonly attempt: number }
  | { readonly kind: 'expire'; readonly devices: readonly string[] }
  | { readonly kind: 'halt'; readonly cause: HaltCause; readonly sentence: string }
  | { readonly kind: 'rollBack'; readonly devices: readonly string[] }
  | { readonly kind: 'retryBack'; readonly device: string; readonly attempt: number }
  | { readonly kind: 'finish'; readonly state: EndState; readonly note: string };

export type EndState = Extract<RolloutState, 'rolled-back' | 'done' | 'aborted'>;
export type ActionKind = Action['kind'];
export type ActionOf<K extends ActionKind> = Extract<Action, { kind: K }>;
