import { FlotillaError } from '@flotilla/protocol';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { FixedBins } from '../sketches/fixed-bins.ts';
import { Moments } from '../sketches/moments.ts';

/** What was seen of one sample of the reference data. */
export interface Observation {
  readonly features: Readonly<Record<string, number>>;
  /** Predicted class, and its probability, where the model classifies. */
  readonly classIndex?: number;
  readonly confidence?: number;
}

const MAX_PROFILE_BYTES = 8 << 20;
const MAX_FEATURES = 256;
const MAX_BINS = 256;
const MAX_CLASSES = 100_000;
/** Bins of a feature; fewer where the reference has fewer than five samples a bin. */
const BINS = 20;
const SAMPLES_PER_BIN = 5;
/** Bins of confidence, of equal width from 0 to 1. */
export const CONFIDENCE_BINS = 20;
/** Inner edges of the bins of confidence. */
export const CONFIDENCE_EDGES: readonly number[] = Array.from(
  { length: CONFIDENCE_BINS - 1 },
  (_, i) => (i + 1) / CONFIDENCE_BINS,
);

const counts = (maxItems: number) =>
  Type.Array(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), { maxItems });

const ReferenceProfileSchema = Type.Object({
  schema: Type.Literal(1),
  samples: Type.Integer({ minimum: 0 }),
  features: Type.Array(
    Type.Object({
      name: Type.String({ minLength: 1, maxLength: 512 }),
      /** Inner edges of the bins: quantiles of the reference. */
      edges: Type.Array(Type.Number(), { maxItems: MAX_BINS - 1 }),
      counts: counts(MAX_BINS),
      mean: Type.Number(),
      std: Type.Number({ minimum: 0 }),
    }),
    { maxItems: MAX_FEATURES },
  ),
  /** How often each class was predicted; empty where the model does not classify. */
  classCounts: counts(MAX_CLASSES),
  confidence: Type.Object({
    bins: counts(MAX_BINS),
    mean: Type.Number(),
    std: Type.Number({ minimum: 0 }),
  }),
});

/** What inputs and predictions looked like where the model was evaluated. */
export type ReferenceProfile = Type.Static<typeof ReferenceProfileSchema>;
export type ReferenceFeature = ReferenceProfile['features'][number];

/**
 * Makes a reference profile from the evaluation data.
 *
 * @param classes number of classes, 0 where the model does not classify
 */
export function buildProfile(observations: readonly Observation[], classes = 0): ReferenceProfile {
  const names = new Set(observations.flatMap(({ features }) => Object.keys(features)));
  const confidence = new FixedBins(CONFIDENCE_EDGES);
  const moments = new Moments();
  const classCounts = new Array<number>(classes).fill(0);
  for (const { classIndex, confidence: value } of observations) {
    if (classIndex !== undefined && classIndex < classes) classCounts[classIndex]! += 1;
    if (value === undefined) continue;
    confidence.count(value);
    moments.record(value);
  }
  return {
    schema: 1,
    samples: observations.length,
    features: [...names]
      .sort()
      .slice(0, MAX_FEATURES)
      .map((name) => profileFeature(name, valuesOf(observations, name))),
    classCounts,
    confidence: { bins: [...confidence.counts], mean: moments.mean, std: moments.std },
  };
}

function valuesOf(observations: readonly Observation[], name: string): number[] {
  return observations
    .map(({ features }) => features[name])
    .filter((value): value is number => value !== undefined && Number.isFinite(value));
}

function profileFeature(name: string, values: readonly number[]): ReferenceFeature {
  const edges = quantileEdges(values);
  const bins = new FixedBins(edges);
  const moments = new Moments();
  for (const value of values) {
    bins.count(value);
    moments.record(value);
  }
  return { name, edges, counts: [...bins.counts], mean: moments.mean, std: moments.std };
}

/** Rising edges that cut the values into bins of about equal count. */
function quantileEdges(values: readonly number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  if (sorted.length === 0) return [];
  const bins = Math.max(2, Math.min(BINS, Math.floor(sorted.length / SAMPLES_PER_BIN)));
  const cuts = Array.from({ length: bins - 1 }, (_, i) => between(sorted, (i + 1) / bins));
  const edges = [...new Set(cuts)].filter((edge) => edge > sorted[0]!);
  return edges.length > 0 ? edges : around(sorted[0]!, sorted.at(-1)!);
}

function between(sorted: readonly number[], share: number): number {
  const position = share * sorted.length;
  const after = Math.min(sorted.length - 1, Math.ceil(position));
  return (sorted[Math.max(0, after - 1)]! + sorted[after]!) / 2;
}

/** Edges just outside the values of a feature that (nearly) never changes: any change shows. */
function around(low: number, high: number): number[] {
  const margin = Math.max(Math.abs(low), Math.abs(high), 1e-3) * 1e-6;
  return [low - margin, high + margin];
}

/** Same profile, same bytes. */
export function encodeProfile(profile: ReferenceProfile): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(profile)}\n`);
}

/** @throws FlotillaError `profile.invalid` */
export function decodeProfile(bytes: Uint8Array): ReferenceProfile {
  const fail = (reason: string): never => {
    throw new FlotillaError('profile.invalid', { reason });
  };
  if (bytes.length > MAX_PROFILE_BYTES) return fail(`larger than ${MAX_PROFILE_BYTES} bytes`);
  const value = parseJson(bytes, fail);
  if (!Value.Check(ReferenceProfileSchema, value)) {
    const error = Value.Errors(ReferenceProfileSchema, value).at(-1);
    return fail(`${error?.instancePath || 'it'} ${error?.message ?? 'is wrong'}`);
  }
  for (const { name, edges, counts: row } of value.features) {
    const rises = edges.every((edge, i) => i === 0 || edge > edges[i - 1]!);
    if (!rises || row.length !== edges.length + 1) fail(`bins of ${name} are wrong`);
  }
  return value;
}

function parseJson(bytes: Uint8Array, fail: (reason: string) => never): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return fail('it is not JSON');
  }
}
