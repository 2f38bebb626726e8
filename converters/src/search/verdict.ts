import type { QdqForm } from '@flotilla/targets';
import type { Goal } from '../plan.ts';
import type { Scheme } from '../quantize/scheme.ts';
import { NOISE, rankByAccuracy } from './pareto.ts';
import { keyOf, nameOf, netLossOf, speedOf, type Trial } from './trial.ts';

interface VerdictInput {
  readonly goal: Goal;
  readonly trials: readonly Trial[];
  /** What is handed over, the best first; empty where nothing is. */
  readonly chosen: readonly Scheme[];
  /** Ranked before it, but it did not stand on the evaluation samples. */
  readonly refused: readonly Scheme[];
}

/** One sentence for people: what was chosen for a target, and why. */
export function verdictOf({ goal, trials, chosen, refused }: VerdictInput): string {
  const { name, qdq } = goal.profile;
  const [first] = chosen;
  if (first === undefined) return `Nothing was chosen for ${name}: ${whyNothing(trials)}.`;
  if (!goal.auto) {
    const list = chosen.map((scheme) => nameOf(scheme, qdq)).join('; ');
    return `Asked for, for ${name}: ${list}.`;
  }
  const fell = refused.map((scheme) => nameOf(scheme, qdq)).join('; ');
  const before =
    fell === '' ? '' : `; before it, on the evaluation samples, did not stand: ${fell}`;
  const trial = trials.find(({ scheme }) => keyOf(scheme) === keyOf(first));
  const why = trial === undefined ? '' : `: ${reasonFor(trial, trials, qdq)}`;
  return `${nameOf(first, qdq)} was chosen for ${name}${why}${before}.`;
}

function reasonFor(chosen: Trial, trials: readonly Trial[], usual: QdqForm): string {
  if (chosen.scheme.precision === 'fp32') return whyFloat(trials, usual);
  const { samples, lost, won } = chosen.quality;
  const speed = `${speedOf(chosen).toFixed(2)} × the time of fp32, ${kindOf(chosen)}`;
  const loss = `${lost} lost and ${won} won of ${samples} choice samples`;
  const rival = fasterOutside(chosen, trials);
  if (rival === undefined) return `${speed}, with ${loss}`;
  return `${speed}, with ${loss}; ${nameOf(rival.scheme, usual)} is faster but loses ${percent(netLossOf(rival))}`;
}

function whyFloat(trials: readonly Trial[], usual: QdqForm): string {
  const others = trials.filter(({ scheme }) => scheme.precision !== 'fp32');
  const fast = others.filter((trial) => speedOf(trial) < 1 - NOISE);
  const integers = others.filter(({ scheme }) => scheme.precision !== 'fp16');
  const rivals = integers.length > 0 ? integers : others;
  const [quickest] = rivals.toSorted((a, b) => speedOf(a) - speedOf(b));
  if (quickest === undefined) return 'nothing else was tried';
  if (fast.length === 0) {
    return `${nameOf(quickest.scheme, usual)} takes ${speedOf(quickest).toFixed(2)} × its time, ${kindOf(quickest)}`;
  }
  const [best] = rankByAccuracy(fast);
  const loss = best === undefined ? '' : `, at best ${percent(netLossOf(best))}`;
  return `what is faster loses more accuracy than the budget allows${loss}`;
}

function whyNothing(trials: readonly Trial[]): string {
  const [best] = rankByAccuracy(trials);
  if (best === undefined) return 'no candidate stood';
  return `no candidate stood; the best loses ${percent(netLossOf(best))} of the choice samples`;
}

function fasterOutside(chosen: Trial, trials: readonly Trial[]): Trial | undefined {
  const faster = speedOf(chosen) * (1 - NOISE);
  const [best] = rankByAccuracy(
    trials.filter((trial) => !trial.withinBudget && speedOf(trial) < faster),
  );
  return best;
}

const kindOf = ({ latency }: Trial): string => (latency.estimated ? 'estimated' : 'measured');

const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;
