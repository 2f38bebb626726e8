import { CALIBRATION_METHODS } from '../calibrate/methods.ts';
import type { Goal } from '../plan.ts';
import type { Scheme, StaticScheme } from '../quantize/scheme.ts';
import type { SchemeRequest } from '../request.ts';
import type { Work } from '../verify/work.ts';
import { chooseFloatNodes } from './float-nodes.ts';
import { isNearer, NOISE, rankByAccuracy } from './pareto.ts';
import {
  formOf,
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
  readonly work: Work;
  readonly fixed: SchemeRequest;
  readonly maxDrop: number;
}

/** What a search went through, in order. */
export interface Explored {
  readonly trials: readonly Trial[];
  readonly sensitivity: readonly Sensitivity[];
}

/** So close to fp32 that nobody can tell the difference. */
const FLAWLESS = { divergence: 1e-4, db: 45 };

/** Tries what may be the best for a goal, and stops where nothing is left to gain. */
export async function explore(goal: Goal, tools: SearchTools): Promise<Explored> {
  const { precisions, auto } = goal;
  const trials: Trial[] = [];
  const attempt = async (scheme: Scheme): Promise<Trial | undefined> => {
    const known = trials.find((trial) => keyOf(trial.scheme) === keyOf(scheme));
    if (known !== undefined) return known;
    const trial = await tools.tryOut(scheme);
    if (trial !== undefined) trials.push(trial);
    return trial;
  };
  const exploring: Exploring = { goal, tools, attempt };
  for (const precision of precisions) {
    if (auto && !isPromising(precision, goal.profile, tools.work)) continue;
    for (const scheme of uncalibratedSchemes(precision, tools.fixed)) await attempt(scheme);
  }
  const calibrated = precisions.includes('int8') || precisions.includes('mixed');
  const sensitivity = calibrated ? await exploreStatic(exploring) : [];
  return { trials, sensitivity };
}

interface Exploring {
  readonly goal: Goal;
  readonly tools: SearchTools;
  attempt(scheme: Scheme): Promise<Trial | undefined>;
}

type StaticTrial = Trial & { readonly scheme: StaticScheme };

const isStatic = (trial: Trial | undefined): trial is StaticTrial =>
  trial !== undefined && 'method' in trial.scheme;

/** Calibration methods first, then forms by speed, then refinements, then nodes in float. */
async function exploreStatic(exploring: Exploring): Promise<readonly Sensitivity[]> {
  const { goal, tools, attempt } = exploring;
  const { fixed } = tools;
  const precision = fixed.float && !goal.precisions.includes('int8') ? 'mixed' : 'int8';
  const schemes = plainSchemes(precision, formOf(goal.profile, fixed), fixed);
  const plain = await attemptAll(exploring, schemes);
  const [first] = rankByAccuracy(plain);
  if (!isStatic(first)) return [];
  const fast = await exploreForms(exploring, first);
  if (goal.auto && speedOf(fast) > 1 + NOISE) return [];
  const best = await refine(exploring, fast);
  const isEnough = (trial: Trial): boolean =>
    netLossOf(trial) <= tools.maxDrop && isFaithful(trial, tools.maxDrop);
  if (!mayMix(exploring) || (goal.auto && isEnough(best))) return [];
  const sensitivity = await tools.sensitivity(best.scheme);
  await chooseFloatNodes({
    scheme: best.scheme,
    sensitivity,
    work: tools.work,
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

/** The fastest way to place integers: as the target prefers, or less where those do not pay. */
async function exploreForms(exploring: Exploring, first: StaticTrial): Promise<StaticTrial> {
  const { goal, tools } = exploring;
  if (!mayMix(exploring)) return first;
  const { scheme } = first;
  const slow = slowerNodes(goal.profile, tools.work, tools.heavy);
  if (slow.length === 0 || slow.length === tools.heavy.length) return first;
  const other = await exploring.attempt({ ...scheme, precision: 'mixed', float: slow });
  if (!isStatic(other)) return first;
  return speedOf(other) < speedOf(first) / (1 + NOISE) ? other : first;
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
  { attempt }: Exploring,
  start: StaticTrial,
  changes: readonly Partial<StaticScheme>[],
): Promise<StaticTrial> {
  let best = start;
  for (const change of changes) {
    if (isFlawless(best)) break;
    const trial = await attempt({ ...best.scheme, ...change });
    if (isStatic(trial) && isNearer(trial, best)) best = trial;
  }
  return best;
}

function isFlawless({ divergence, db }: Trial): boolean {
  return divergence <= FLAWLESS.divergence && db >= FLAWLESS.db;
}
