import { CALIBRATION_METHODS } from '../calibrate/methods.ts';
import type { Goal } from '../plan.ts';
import type { Scheme, StaticScheme } from '../quantize/scheme.ts';
import type { SchemeRequest } from '../request.ts';
import type { Work } from '../verify/work.ts';
import { chooseFloatNodes } from './float-nodes.ts';
import { isAsFast, isNearer, NOISE, rankByAccuracy } from './pareto.ts';
import {
  formOf,
  inFloat,
  isPromising,
  plainSchemes,
  refinements,
  slowerNodes,
  uncalibratedSchemes,
} from './schemes.ts';
import type { Sensitivity } from './sensitivity.ts';
import { isFaithful, keyOf, netLossOf, speedOf, type Trial } from './trial.ts';

/** What a search works with; it neither runs nor times a model itself. */
export interface SearchTools {
  /** Judges a scheme on the choice samples; undefined where the model cannot be made so. */
  tryOut(scheme: Scheme): Promise<Trial | undefined>;
  /** What each product in int8 alone does to the outputs, worst first. */
  sensitivity(scheme: StaticScheme): Promise<readonly Sensitivity[]>;
  /** Nodes that int8 in the target's form computes, in graph order. */
  readonly heavy: readonly string[];
  /** Those of them whose channels `padChannels` would pad. */
  readonly thin: readonly string[];
  /** Latencies are measured: what no table knows of is worth a try. */
  readonly measured: boolean;
  readonly work: Work;
  readonly fixed: SchemeRequest;
  readonly maxDrop: number;
}

/** What a search went through, in order. */
export interface Explored {
  readonly trials: readonly Trial[];
  /** Those that were to improve another, take its time, and are nearer to fp32 by chance at most. */
  readonly declined: readonly Trial[];
  readonly sensitivity: readonly Sensitivity[];
}

/** So close to fp32 that nobody can tell the difference. */
const FLAWLESS = { divergence: 1e-4, db: 45 };
/** Products at the inputs that are tried in floating point. */
const MOST_HEADS = 2;
/** Slower than the best by this, and with one product more it will not be the fastest. */
const HOPELESS = 1.15;

/** Tries what may be the best for a goal, and stops where nothing is left to gain. */
export async function explore(goal: Goal, tools: SearchTools): Promise<Explored> {
  const { precisions, auto } = goal;
  const trials: Trial[] = [];
  const declined: Trial[] = [];
  const attempt = async (scheme: Scheme): Promise<Trial | undefined> => {
    const known = trials.find((trial) => keyOf(trial.scheme) === keyOf(scheme));
    if (known !== undefined) return known;
    const trial = await tools.tryOut(scheme);
    if (trial !== undefined) trials.push(trial);
    return trial;
  };
  const decline = (trial: Trial): unknown => declined.push(trial);
  const exploring: Exploring = { goal, tools, attempt, decline };
  for (const precision of precisions) {
    if (auto && !isPromising(precision, goal.profile, tools.work)) continue;
    for (const scheme of uncalibratedSchemes(precision, tools.fixed)) await attempt(scheme);
  }
  const calibrated = precisions.includes('int8') || precisions.includes('mixed');
  const sensitivity = calibrated ? await exploreStatic(exploring) : [];
  return { trials, declined, sensitivity };
}

interface Exploring {
  readonly goal: Goal;
  readonly tools: SearchTools;
  attempt(scheme: Scheme): Promise<Trial | undefined>;
  decline(trial: Trial): void;
}

type StaticTrial = Trial & { readonly scheme: StaticScheme };

const isStatic = (trial: Trial | undefined): trial is StaticTrial =>
  trial !== undefined && 'method' in trial.scheme;

/** Calibration methods first, then what is faster, then refinements, then nodes in float. */
async function exploreStatic(exploring: Exploring): Promise<readonly Sensitivity[]> {
  const { goal, tools, attempt } = exploring;
  const { fixed } = tools;
  const precision = fixed.float && !goal.precisions.includes('int8') ? 'mixed' : 'int8';
  const schemes = plainSchemes(precision, formOf(goal.profile, fixed), fixed);
  const plain = await attemptAll(exploring, schemes);
  const [first] = rankByAccuracy(plain);
  if (!isStatic(first)) return [];
  const whole = await explorePadding(exploring, first);
  const fast = await exploreHeads(exploring, await exploreForms(exploring, whole));
  if (goal.auto && speedOf(fast) > 1 + NOISE) return [];
  const best = await refine(exploring, fast);
  if (fast !== whole && !goal.auto && goal.precisions.includes('int8')) {
    await refine(exploring, whole);
  }
  const isEnough = (trial: Trial): boolean =>
    netLossOf(trial) <= tools.maxDrop && isFaithful(trial, tools.maxDrop);
  if (!mayMix(exploring) || (goal.auto && isEnough(best))) return [];
  const sensitivity = await tools.sensitivity(best.scheme);
  await chooseFloatNodes({
    scheme: best.scheme,
    sensitivity,
    work: tools.work,
    thin: tools.thin,
    attempt,
    isEnough,
  });
  return sensitivity;
}

async function attemptAll({ attempt }: Exploring, schemes: readonly Scheme[]): Promise<Trial[]> {
  const trials: Trial[] = [];
  for (const scheme of schemes) {
    const trial = await attempt(scheme);
    if (trial !== undefined) trials.push(trial);
  }
  return trials;
}

/** Channels of zeros, where those are measured to be faster: no table tells where they pay. */
async function explorePadding(exploring: Exploring, first: StaticTrial): Promise<StaticTrial> {
  const { measured, thin } = exploring.tools;
  const { scheme } = first;
  if (!measured || thin.every((node) => scheme.float.includes(node))) return first;
  const form = { ...scheme.form, padChannels: true };
  const padded = await exploring.attempt({ ...scheme, form });
  return isStatic(padded) && speedOf(padded) < speedOf(first) && !isAsFast(padded, first)
    ? padded
    : first;
}

/** The fastest way to place integers: as the target prefers, or less where those do not pay. */
async function exploreForms(exploring: Exploring, first: StaticTrial): Promise<StaticTrial> {
  const { goal, tools } = exploring;
  if (!mayMix(exploring)) return first;
  const { scheme } = first;
  const slow = slowerNodes(goal.profile, tools.work, tools.heavy);
  if (slow.length === 0 || slow.length === tools.heavy.length) return first;
  const other = await exploring.attempt(inFloat(scheme, slow, tools.thin));
  if (!isStatic(other)) return first;
  return speedOf(other) < speedOf(first) / (1 + NOISE) ? other : first;
}

/**
 * The first products in floating point, where that is measured to be faster: they have the largest
 * activations and the fewest channels, of which integer kernels gain little.
 */
async function exploreHeads(exploring: Exploring, start: StaticTrial): Promise<StaticTrial> {
  const { heavy, measured, thin } = exploring.tools;
  if (!measured || !mayMix(exploring)) return start;
  const { scheme } = start;
  let best = start;
  for (let count = 1; count <= MOST_HEADS; count++) {
    const head = heavy.slice(0, count).filter((node) => !scheme.float.includes(node));
    const float = [...scheme.float, ...head];
    // With the last product in float nothing is quantized any more.
    if (head.length === 0 || float.length >= heavy.length) continue;
    const trial = await exploring.attempt(inFloat(scheme, float, thin));
    if (!isStatic(trial) || speedOf(trial) > speedOf(best) * HOPELESS) break;
    const equal = isAsFast(trial, best);
    if (equal ? isNearer(trial, best) : speedOf(trial) < speedOf(best)) best = trial;
    else if (equal) exploring.decline(trial);
  }
  return best;
}

function mayMix({ goal, tools }: Exploring): boolean {
  return goal.precisions.includes('mixed') && tools.fixed.float === undefined;
}

/** Adds one improvement after the other, as long as each brings the outputs nearer to fp32's. */
async function refine(exploring: Exploring, start: StaticTrial): Promise<StaticTrial> {
  const { fixed } = exploring.tools;
  const repaired = await improve(exploring, start, refinements(fixed));
  if (repaired.scheme.equalize === start.scheme.equalize || fixed.method !== undefined) {
    return repaired;
  }
  // Equal channels have other ranges, which another method may read better.
  return await improve(
    exploring,
    repaired,
    CALIBRATION_METHODS.map((method) => ({ method })),
  );
}

async function improve(
  { attempt, decline }: Exploring,
  start: StaticTrial,
  changes: readonly Partial<StaticScheme>[],
): Promise<StaticTrial> {
  let best = start;
  for (const change of changes) {
    if (isFlawless(best)) break;
    const trial = await attempt({ ...best.scheme, ...change });
    if (!isStatic(trial) || trial === best) continue;
    if (isNearer(trial, best)) best = trial;
    else decline(trial);
  }
  return best;
}

function isFlawless({ divergence, db }: Trial): boolean {
  return divergence <= FLAWLESS.divergence && db >= FLAWLESS.db;
}
