import type { GateName, Verdict } from './gates/types.ts';
import type { Comparing } from './kinds/decide.ts';
import type { Strategy } from './strategy.ts';

/**
 * A rollout's state. `halted` means that a gate closed, an operator aborted or a comparison's time was
 * over, and the devices that took the new version are on their way back; it ends as `rolled-back`, or
 * as `aborted` where that was the operator's doing.
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

/** What ends a rollout early: a gate, a person, or the time that a comparison has. */
export type HaltCause = GateName | 'operator' | 'time';

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

/** A device on which something may be due; times are the server's wall-clock milliseconds. */
export interface PlanMember {
  readonly device: string;
  /** Place in the order of the waves, 0 first. */
  readonly position: number;
  readonly state: MemberState;
  readonly backState: BackState;
  /** When it must be seen to: a deadline, or another attempt. */
  readonly dueMs: number;
  /** Whose hours its maintenance windows follow. */
  readonly timeZone: string;
}

/** How many devices stand where; what a plan needs of those that it does not name. */
export interface Tally {
  /** Whether devices of the open wave wait for their turn, now or in a later window. */
  readonly waiting: boolean;
  /** Took the version well; 0 where no rate depends on it. */
  readonly committed: number;
  /** Asked, and the attempt has neither ended nor passed its deadline. */
  readonly inFlight: number;
  /** Failed in a way that will be tried again. */
  readonly retrying: number;
  /** When the latest attempt ended; 0 where none has. */
  readonly lastEndedMs: number;
  /** On their way back. */
  readonly goingBack: number;
  /** Given up on the way back, with the names of some. */
  readonly stuck: { readonly devices: number; readonly some: readonly string[] };
}

type Pace = 'startMs' | 'maintenance' | 'approval' | 'rate' | 'rollBackPerMinute' | 'maxInFlight';

export interface PlanRollout extends Pick<Strategy, Pace> {
  readonly state: RolloutState;
  readonly haltedBy: HaltCause | undefined;
  /** Devices of each wave, cumulative and growing; the last is the whole membership. */
  readonly sizes: readonly number[];
  /** Index of the open wave, −1 before the first. */
  readonly wave: number;
  /** Waves that a person has approved. */
  readonly approvedWaves: number;
  /** Gates whose suspicious evidence a person knew of when approving the next wave. */
  readonly accepted: readonly GateName[];
  /** Up to when the devices asked so far use up what the rate allows. */
  readonly rateMs: number;
  readonly soakMs: number;
  /** A wave whose gates still lack evidence after this time passes with a note. */
  readonly maxSoakMs: number;
  /** Of a rollout that compares; absent for an update, which ends once every device was asked. */
  readonly comparing?: Comparing;
}

/** All that a plan depends on: what is due now, and not the whole membership. */
export interface RolloutSnapshot {
  readonly rollout: PlanRollout;
  readonly tally: Tally;
  /** Of the open wave, the first that wait for their turn, in order. */
  readonly pending: readonly PlanMember[];
  /** On which something may be due, earliest first. */
  readonly due: readonly PlanMember[];
  /** Asked to take the version and not yet told to go back, in order; only once it has halted. */
  readonly toGoBack: readonly PlanMember[];
  readonly verdicts: readonly Verdict[];
}

/** The next thing to do; each is executed in one transaction. Lists name devices. */
export type Action =
  | { readonly kind: 'openWave'; readonly wave: number; readonly note: string }
  | { readonly kind: 'deploy'; readonly devices: readonly string[] }
  | { readonly kind: 'retry'; readonly devices: readonly string[] }
  | { readonly kind: 'postpone'; readonly devices: readonly string[] }
  | { readonly kind: 'expire'; readonly devices: readonly string[] }
  | { readonly kind: 'halt'; readonly cause: HaltCause; readonly sentence: string }
  | { readonly kind: 'rollBack'; readonly devices: readonly string[] }
  | { readonly kind: 'retryBack'; readonly devices: readonly string[] }
  | { readonly kind: 'promote' }
  | { readonly kind: 'finish'; readonly state: EndState; readonly note: string };

export type EndState = Extract<RolloutState, 'rolled-back' | 'done' | 'aborted'>;
export type ActionKind = Action['kind'];
export type ActionOf<K extends ActionKind> = Extract<Action, { kind: K }>;
