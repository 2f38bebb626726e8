import { type GateName, isSuspicious, type Verdict } from '../gates/types.ts';
import type { Action } from '../types.ts';
import type { Promotion, RolloutKind } from './settings.ts';

/** What a shadow or an A/B rollout waits for once all its devices have been asked. */
export interface Comparing {
  readonly kind: Exclude<RolloutKind, 'update'>;
  readonly promote: Promotion;
  /** When it is over, undecided; wall-clock milliseconds. */
  readonly untilMs: number;
}

/**
 * How a rollout goes on that compares: its last wave has ended and soaked, and no gate is closed.
 * Until it is promoted, by a person or, where they are to decide, by its gates, or until its time is
 * over. Pure.
 */
export function decide(
  { kind, promote, untilMs }: Comparing,
  verdicts: readonly Verdict[],
  now: number,
): Action[] {
  if (promote === 'gate' && hasProof(kind, verdicts)) return [{ kind: 'promote' }];
  if (now < untilMs) return [];
  const note = 'its time was over before it was promoted';
  if (kind === 'shadow') return [{ kind: 'finish', state: 'done', note }];
  return [{ kind: 'halt', cause: 'operator', sentence: note }];
}

/**
 * Of a shadow, that it was compared often enough and agrees, and that nothing else looks bad: as it
 * answers nobody, other gates may lack evidence for ever. Of A/B, that one of the comparisons was
 * judged and none is left to be.
 */
function hasProof(kind: Comparing['kind'], verdicts: readonly Verdict[]): boolean {
  const judged = verdicts.filter(({ state }) => state === 'open').map(({ gate }) => gate);
  if (kind === 'shadow') return judged.includes('disagreement') && !verdicts.some(isSuspicious);
  const isWaiting = verdicts.some(({ state }) => state === 'waiting');
  return !isWaiting && judged.some((gate) => COMPARISONS.includes(gate));
}

const COMPARISONS: readonly GateName[] = [
  'errors',
  'latency',
  'confidence',
  'class-mix',
  'accuracy',
];
