import { judge } from '@flotilla/model';
import { type FlotillaError, isFlotillaError, type Precision } from '@flotilla/protocol';
import type { Conversion } from '../conversion.ts';
import { type Handed, isFloat, MOST_ATTEMPTS } from '../hand-over.ts';
import type { Goal } from '../plan.ts';
import { thinConvolutions } from '../quantize/pad-channels.ts';
import { heavyNodes } from '../quantize/plan.ts';
import type { Scheme, StaticScheme } from '../quantize/scheme.ts';
import type { Candidate, Latency, TargetSearch } from '../result.ts';
import { type Explored, explore } from './explore.ts';
import { type Harm, withMoreFloat } from './float-nodes.ts';
import { latencyOn, measuredHere, type Timed } from './latency-of.ts';
import { isAsGood, paretoFront, rankByAccuracy, rankTrials } from './pareto.ts';
import { formOf, isForFew } from './schemes.ts';
import { measureSensitivity, type Sensitivity } from './sensitivity.ts';
import { candidateOf, isFaithful, keyOf, type Trial } from './trial.ts';
import { verdictOf } from './verdict.ts';

/** What was found for one target. */
export interface Found extends Explored {
  readonly goal: Goal;
  /**
   * What to hand over: with `auto` one list, the best first, then what takes its place where it
   * fails; else one such list for each precision.
   */
  readonly ranked: readonly (readonly Scheme[])[];
  /** Variants in floating point for devices that the other does not fit, the best first; empty where none is wanted. */
  readonly rungs: readonly Scheme[];
  /** Why some precisions cannot be made of this model. */
  readonly impossible: readonly string[];
}

/**
 * Tries schemes for one target on the choice samples, and ranks what may be handed over.
 *
 * @throws FlotillaError `quantize.impossible` where a precision that was asked for cannot be made
 */
export async function search(conversion: Conversion, goal: Goal): Promise<Found> {
  if (goal.settled !== undefined) {
    const ranked = goal.settled.map((scheme) => [scheme]);
    const nothing = { trials: [], declined: [], sensitivity: [], impossible: [] };
    return { goal, ranked, rungs: [], ...nothing };
  }
  const impossible = new Map<Precision, FlotillaError>();
  const explored = await exploreFor(conversion, goal, impossible);
  const lists = rank(goal, explored, harmOf(conversion, explored));
  const missing = goal.precisions.find((_, i) => !goal.auto && lists[i]?.length === 0);
  const reason = missing && impossible.get(missing);
  if (reason) throw reason;
  const { ladder = false } = conversion.plan.request;
  return {
    ...explored,
    goal,
    ranked: lists,
    rungs: goal.auto && ladder ? rungsOf(goal, explored.trials) : [],
    impossible: unmade(goal, impossible, explored.trials),
  };
}

/** Of precisions that are for few models, and were not asked for, nobody needs to be told. */
function unmade(
  { auto, profile }: Goal,
  impossible: ReadonlyMap<Precision, FlotillaError>,
  trials: readonly Trial[],
): string[] {
  const made = new Set(trials.map(({ scheme }) => scheme.precision));
  return [...impossible]
    .filter(([precision]) => !made.has(precision) && !(auto && isForFew(precision)))
    .map(([, { message }]) => `${profile.id}: ${message}`);
}

async function exploreFor(
  conversion: Conversion,
  goal: Goal,
  impossible: Map<Precision, FlotillaError>,
): Promise<Explored> {
  const { model, work, maxDrop, plan, onProgress } = conversion;
  const { fixed } = plan.settings;
  const target = goal.profile.id;
  const heavy = heavyNodes(model, formOf(goal.profile, fixed));
  const timed = new Map<string, Timed>();
  let done = 0;
  const explored = await explore(goal, {
    heavy,
    thin: thinConvolutions(model.graph).filter((node) => heavy.includes(node)),
    measured: conversion.latency.host === goal.profile.id,
    work,
    fixed,
    maxDrop,
    async tryOut(scheme) {
      onProgress({ step: 'search', target, done, total: done + 1 });
      done += 1;
      return await tryFor(conversion, goal, scheme, timed).catch((error: unknown) => {
        if (!isUnfit(error)) throw error;
        impossible.set(scheme.precision, error);
        return undefined;
      });
    },
    sensitivity: (scheme) => sensitivityOf(conversion, goal, scheme, heavy),
  });
  return withImported(explored, ({ scheme }) => {
    const variant = timed.get(keyOf(scheme));
    return variant && conversion.latency.measurements.of(target, variant);
  });
}

/** What a device measured of one variant holds for those tried before it that have its structure. */
function withImported(
  explored: Explored,
  importedFor: (trial: Trial) => Latency | undefined,
): Explored {
  const renewed = new Map(
    explored.trials.map((trial) => {
      const latency = importedFor(trial) ?? trial.latency;
      return [trial, { ...trial, latency }] as const;
    }),
  );
  const declined = explored.declined.flatMap((trial) => renewed.get(trial) ?? []);
  return { ...explored, trials: [...renewed.values()], declined };
}

/** A fault of one scheme, which says nothing against the others. */
function isUnfit(error: unknown): error is FlotillaError {
  return (
    isFlotillaError(error, 'quantize.impossible') || isFlotillaError(error, 'runtime.load-failed')
  );
}

async function tryFor(
  { workshop, maxDrop, latency }: Conversion,
  { profile }: Goal,
  scheme: Scheme,
  timed: Map<string, Timed>,
): Promise<Trial> {
  const tried = await workshop.tryOut(scheme);
  timed.set(keyOf(scheme), tried);
  const { quality, divergence, db, bySample, bytes } = tried;
  return {
    scheme,
    quality,
    divergence,
    db,
    bySample,
    bytes,
    withinBudget:
      quality.samples === 0 || (judge(quality, maxDrop).passed && isFaithful(tried, maxDrop)),
    latency: await latencyOn({ ...latency, profile }, tried, async () =>
      measuredHere(await workshop.time(scheme), latency),
    ),
  };
}

async function sensitivityOf(
  { workshop, probe, model, onProgress }: Conversion,
  { profile }: Goal,
  scheme: StaticScheme,
  heavy: readonly string[],
): Promise<Sensitivity[]> {
  const ops = new Map(model.graph.nodes.map(({ name, op }) => [name, op]));
  return await measureSensitivity({
    // What the nodes do, not what repairs it: corrections would be fitted anew for each of them.
    scheme: { ...scheme, biasCorrection: false, rounding: 'nearest' },
    heavy: heavy
      .filter((node) => !scheme.float.includes(node))
      .map((node) => ({ node, op: ops.get(node) ?? '' })),
    probe: (part) => workshop.probe(part, probe),
    onPart: (done, total) => onProgress({ step: 'search', target: profile.id, done, total }),
  });
}

/**
 * Nothing that costs more and is nearer to fp32 by chance at most, unless nothing else stands. What
 * is as good as one of the best in every figure costs nothing.
 */
function worthy({ trials, declined }: Explored): readonly Trial[] {
  const sound = trials.filter((trial) => trial.withinBudget && !declined.includes(trial));
  if (sound.length === 0) return trials;
  const front = paretoFront(sound);
  const isFree = (trial: Trial): boolean => front.some((best) => isAsGood(trial, best));
  return trials.filter((trial) => !declined.includes(trial) || isFree(trial));
}

const schemesOf = (trials: readonly Trial[]): Scheme[] => trials.map(({ scheme }) => scheme);

/** What tells which nodes to put into floating point next. */
function harmOf({ model, work }: Conversion, { sensitivity }: Explored): Harm {
  return { sensitivity, work, thin: thinConvolutions(model.graph) };
}

function rank({ auto, precisions, profile }: Goal, explored: Explored, harm: Harm): Scheme[][] {
  if (auto)
    return [withFp32(schemesOf(rankTrials(worthy(explored), profile.precisions)), explored)];
  return precisions.map((precision) => {
    const isOwn = ({ scheme }: Trial): boolean => scheme.precision === precision;
    const own = worthy({ ...explored, trials: explored.trials.filter(isOwn) });
    const sound = own.filter(({ withinBudget }) => withinBudget);
    // What was asked for by name is made even where it fails, and the report says so.
    if (sound.length === 0) return schemesOf(rankByAccuracy(own).slice(0, 1));
    if (precision !== 'mixed') return schemesOf(rankByAccuracy(sound));
    return widened(schemesOf(rankTrials(sound, profile.precisions)), harm);
  });
}

/** What nothing speaks against comes last where something else seems better in every way. */
function withFp32(schemes: readonly Scheme[], { trials }: Explored): Scheme[] {
  const fp32 = schemesOf(trials).filter(({ precision }) => precision === 'fp32');
  return [...schemes, ...fp32.filter((scheme) => !schemes.includes(scheme))];
}

/** The best two, and what may stand in their place. */
function widened(schemes: readonly Scheme[], harm: Harm): Scheme[] {
  const best = schemes.slice(0, 2);
  const last = best.at(-1);
  if (last === undefined || !('method' in last)) return best;
  const wider = withMoreFloat(last, harm, MOST_ATTEMPTS - best.length);
  return [...best, ...wider];
}

function rungsOf({ profile }: Goal, trials: readonly Trial[]): Scheme[] {
  const floats = trials.filter(({ scheme }) => isFloat(scheme));
  return schemesOf(rankTrials(floats, profile.precisions));
}

/** What the report says of a search, once it is known what was handed over. */
export function reportOf({ goal, trials, sensitivity }: Found, handed: Handed): TargetSearch {
  const front = paretoFront(trials);
  const written = handed.made.filter(({ bundle }) => bundle !== undefined);
  const chosen = written.map(({ assessment }) => assessment.scheme);
  const keys = new Set(chosen.map(keyOf));
  const fallen = [...handed.refused, ...handed.made.filter(({ bundle }) => bundle === undefined)];
  const refused = fallen.map(({ assessment }) => assessment.scheme);
  const candidates = trials.map((trial) =>
    candidateOf(trial, goal.profile.qdq, {
      onFront: front.includes(trial),
      chosen: keys.has(keyOf(trial.scheme)),
    }),
  );
  return {
    target: goal.profile.id,
    candidates: namedApart(candidates),
    sensitivity: sensitivity.map(({ node, op, kl, db }) => ({ node, op, kl, db })),
    verdict: verdictOf({ goal, trials, chosen, refused }),
  };
}

/** Numbers those of one name: they differ in which nodes are in float. */
function namedApart(candidates: readonly Candidate[]): Candidate[] {
  const seen = new Map<string, number>();
  return candidates.map((candidate) => {
    const count = (seen.get(candidate.name) ?? 0) + 1;
    seen.set(candidate.name, count);
    return count === 1 ? candidate : { ...candidate, name: `${candidate.name} (${count})` };
  });
}
