import { plural } from '../gates/text.ts';
import { type GateName, isSuspicious, type Verdict } from '../gates/types.ts';
import type { Action } from '../types.ts';
import type { Promotion, RolloutKind } from './settings.ts';

/** What a shadow or an A/B rollout waits for once all its devices have been asked. */
export interface Comparing {
  readonly kind: Exclude<RolloutKind, 'update'>;
  readonly promote: Promotion;
  readonly maxHours: number;
  /** When these are over, and it ends undecided; wall-clock milliseconds. */
  readonly untilMs: number;
}

/**
 * How a rollout goes on that compares: its last wave has ended and soaked, and no gate is closed.
 * Until it is promoted, by a person or, where they are to decide, by its gates, or until its time is
 * over. Pure.
 */
export function decide(comparing: Comparing, verdicts: readonly Verdict[], now: number): Action[] {
  const { kind, promote, untilMs } = comparing;
  if (promote === 'gate' && hasProof(kind, verdicts)) return [{ kind: 'promote' }];
  return now < untilMs ? [] : [endUndecided(comparing, verdicts)];
}

/** Its time is over: a shadow is done, and arm B of an A/B rollout goes back. */
export function endUndecided(
  { kind, promote, maxHours }: Comparing,
  verdicts: readonly Verdict[],
): Action {
  const count = (state: Verdict['state']) => verdicts.filter((one) => one.state === state).length;
  const [open, waiting] = [count('open'), count('waiting')];
  const lacking = waiting === 0 ? '' : `, ${waiting} without enough evidence`;
  const gates = `${open} of ${plural(open + waiting, 'gate')} open${lacking}`;
  const stand = open + waiting === 0 ? 'no gate had anything to judge' : gates;
  const whom = promote === 'gate' ? 'its gates' : 'a person';
  const sentence = `its time of ${plural(maxHours, 'hour')} was over before ${whom} promoted it: ${stand}`;
  if (kind === 'shadow') return { kind: 'finish', state: 'done', note: sentence };
  return { kind: 'halt', cause: 'time', sentence };
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
