import { logMean, meanEvidence, type Prior, summarize } from './e-values.ts';
import {
  changesOf,
  MIN_PER_DEVICE,
  over,
  shareVariance,
  smaller,
  withoutEvidence,
} from './paired.ts';
import { percent } from './text.ts';
import type { DevicePair, Gate, Side } from './types.ts';

/** What a device sees changes with the hour, so its mix moves without the version's doing. */
const PRIOR: Prior = { spread: 0.1, scale: 0.3, floor: 0.02 };

/** A set of classes, and whether its share rises or falls: one way in which a mix can move. */
interface Move {
  readonly classes: ReadonlySet<number>;
  readonly sign: 1 | -1;
  readonly name: string;
}

/**
 * Change in what a model predicts on the same devices. Tested are the share of each class, up and
 * down, and that of the commonest classes together, which falls where predictions scatter; the
 * mean of these e-values is one.
 */
export const classMix: Gate = {
  title: 'Class mix against the previous version',
  find({ pairs }, settings) {
    const changes = changesOf(pairs, (pair) => ({
      ...NO_CHANGE,
      matched: smaller(pair, predictions),
      observed: predictions(pair.candidate),
    }));
    const missing = withoutEvidence(changes, pairs, settings);
    if (missing !== undefined) return missing;
    const counted = pairs.filter((pair) => smaller(pair, predictions) >= MIN_PER_DEVICE);
    const before = meanShares(counted.map(({ baseline }) => baseline));
    const now = meanShares(counted.map(({ candidate }) => candidate));
    const tolerated = settings.maxClassDistance;
    const moved = movesOf(before, now, tolerated).map((move) => ({
      move,
      log: logOf(counted, move, tolerated),
    }));
    const singles = moved.filter(({ move }) => move.classes.size === 1).map(({ log }) => log);
    const common = moved.find(({ move }) => move.classes.size > 1)?.log ?? Number.NEGATIVE_INFINITY;
    const distance = distanceOf(before, now);
    const [widest] = moved.sort((a, b) => b.log - a.log);
    const which = widest === undefined ? '' : `, ${written(widest.move, before, now)},`;
    return {
      log: logMean([meanOf(singles, 2 * before.length), common]),
      seen: `class mix moved by ${distance.toFixed(2)}${which} over ${over(changes)}`,
      limit: `at most ${tolerated} tolerated`,
      numbers: {
        distance,
        limit: tolerated,
        inferences: changes.observed,
        devices: counted.length,
      },
    };
  },
};

const NO_CHANGE = { change: 0, sampling: 0, before: 0, now: 0 };

const predictions = ({ classCounts }: Side): number => sum(classCounts);

/** Each device's shares count alike. */
function meanShares(sides: readonly Side[]): number[] {
  const shares = new Array<number>(Math.max(...sides.map(({ classCounts }) => classCounts.length)));
  shares.fill(0);
  for (const { classCounts } of sides) {
    const total = sum(classCounts) * sides.length;
    for (const [i, count] of classCounts.entries()) shares[i] = (shares[i] ?? 0) + count / total;
  }
  return shares;
}

/** The moves beyond the limit; all others have an e-value of 0. */
function movesOf(before: readonly number[], now: readonly number[], tolerated: number): Move[] {
  const length = Math.max(before.length, now.length);
  const moves: Move[] = [];
  for (let i = 0; i < length; i++) {
    const change = (now[i] ?? 0) - (before[i] ?? 0);
    if (Math.abs(change) <= tolerated) continue;
    moves.push({ classes: new Set([i]), sign: change > 0 ? 1 : -1, name: `class ${i}` });
  }
  const classes = commonest(before);
  if (classes.size > 1) moves.push({ classes, sign: -1, name: 'the commonest classes' });
  return moves;
}

/** The most frequent classes that make up half of the previous version's predictions. */
function commonest(before: readonly number[]): Set<number> {
  const order = before.map((share, i) => ({ share, i })).sort((a, b) => b.share - a.share);
  const classes = new Set<number>();
  let covered = 0;
  for (const { share, i } of order) {
    if (covered >= 0.5) break;
    classes.add(i);
    covered += share;
  }
  return classes;
}

function logOf(pairs: readonly DevicePair[], { classes, sign }: Move, tolerated: number): number {
  const devices = pairs.map(({ candidate, baseline }) => {
    const [n, m] = [predictions(candidate), predictions(baseline)];
    const [now, before] = [shareOf(candidate, classes, n), shareOf(baseline, classes, m)];
    const sampling = shareVariance(now * n, n, before * m, m);
    return { change: sign * (now - before), sampling };
  });
  return meanEvidence(summarize(devices), tolerated, PRIOR);
}

function shareOf({ classCounts }: Side, classes: ReadonlySet<number>, total: number): number {
  let count = 0;
  for (const i of classes) count += classCounts[i] ?? 0;
  return count / total;
}

/** Mean over `tests` e-values of which only these are above 0. */
const meanOf = (logs: readonly number[], tests: number): number =>
  logs.length === 0
    ? Number.NEGATIVE_INFINITY
    : logMean(logs) + Math.log(logs.length / Math.max(tests, logs.length));

function written(
  { classes, name }: Move,
  before: readonly number[],
  now: readonly number[],
): string {
  const share = (shares: readonly number[]) => sum([...classes].map((i) => shares[i] ?? 0));
  return `${name} from ${percent(share(before))} to ${percent(share(now))}`;
}

function distanceOf(before: readonly number[], now: readonly number[]): number {
  const length = Math.max(before.length, now.length);
  let distance = 0;
  for (let i = 0; i < length; i++) distance += Math.abs((now[i] ?? 0) - (before[i] ?? 0));
  return distance / 2;
}

const sum = (counts: readonly number[]): number => counts.reduce((total, n) => total + n, 0);
