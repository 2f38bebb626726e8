import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { HOUR_MS } from '../../telemetry/rollups.ts';
import { MAX_PAIRS } from '../evidence.ts';
import { milliseconds } from '../gates/latency.ts';
import { MIN_PER_DEVICE } from '../gates/paired.ts';
import { percent, plural } from '../gates/text.ts';
import type { Side } from '../gates/types.ts';
import type { Rollout } from '../store.ts';
import { createTelemetrySums } from '../sums.ts';
import { armOf, difference, type Estimate } from './intervals.ts';

/** What arms are compared by. */
export const METRICS = ['latency', 'errors', 'confidence', 'accuracy', 'class-mix'] as const;
export type Metric = (typeof METRICS)[number];

/** One figure of both arms: means over their devices. */
export interface MetricResult {
  readonly metric: Metric;
  /** Devices that say enough of it. */
  readonly devices: { readonly a: number; readonly b: number };
  readonly a: number;
  readonly b: number;
  /** B over A for the latency, with the slack of the gate added to both, the distance of the class mixes, else B less A. */
  readonly difference: Estimate;
}

/** Arm A, which keeps its version, against arm B, which has the candidate. */
export interface ArmsResult {
  readonly devices: { readonly a: number; readonly b: number };
  readonly metrics: MetricResult[];
  readonly sentence: string;
}

interface Measure {
  /** What a device says; undefined where that is too little. */
  readonly of: (side: Side) => number | undefined;
  readonly floor: number;
  /** From the scale that is averaged on to the one that is told: of a mean, and of a difference. */
  readonly mean?: (value: number) => number;
  readonly change?: (value: number) => number;
}

const enough = (count: number, value: number): number | undefined =>
  count >= MIN_PER_DEVICE ? value : undefined;

const asItIs = (value: number): number => value;

const MEASURES: Readonly<Record<Exclude<Metric, 'class-mix'>, Measure>> = {
  latency: {
    of: ({ logLatency: { count, mean } }) => enough(count, mean),
    floor: 0.01,
    mean: milliseconds,
    change: Math.exp,
  },
  errors: { of: ({ inferences: n, errors }) => enough(n, errors / n), floor: 0.001 },
  confidence: { of: ({ confidence: { count, mean } }) => enough(count, mean), floor: 0.001 },
  accuracy: { of: ({ labeled, correct }) => enough(labeled, correct / labeled), floor: 0.001 },
};

const PROMOTED: ArmsResult = {
  devices: { a: 0, b: 0 },
  metrics: [],
  sentence: 'it was promoted: arm A gets the version too, and nothing is left to compare',
};

/** What an A/B rollout shows so far. */
export async function compareArms(
  db: Kysely<Database>,
  rollout: Rollout,
  now: number,
): Promise<ArmsResult> {
  if (rollout.kind === 'update') return PROMOTED;
  const a = await readSides(db, rollout, await controlDeployments(db, rollout), now);
  const b = await readSides(db, rollout, await candidateDeployments(db, rollout), now);
  const metrics = METRICS.flatMap((metric) => compareMetric(metric, a, b) ?? []);
  const devices = { a: a.length, b: b.length };
  return { devices, metrics, sentence: sentenceOf(devices, metrics) };
}

function compareMetric(
  metric: Metric,
  a: readonly Side[],
  b: readonly Side[],
): MetricResult | undefined {
  if (metric === 'class-mix') return compareMixes(a, b);
  const { of, floor, mean = asItIs, change = asItIs } = MEASURES[metric];
  const armA = armOf(a.map(of).filter((value) => value !== undefined));
  const armB = armOf(b.map(of).filter((value) => value !== undefined));
  if (armA.devices === 0 || armB.devices === 0) return undefined;
  const { value, low, high } = difference(armA, armB, floor);
  return {
    metric,
    devices: { a: armA.devices, b: armB.devices },
    a: mean(armA.mean),
    b: mean(armB.mean),
    difference:
      low === undefined || high === undefined
        ? { value: change(value) }
        : { value: change(value), low: change(low), high: change(high) },
  };
}

/** Total variation distance of the arms' mean shares of the classes. */
function compareMixes(a: readonly Side[], b: readonly Side[]): MetricResult | undefined {
  const [mixA, mixB] = [a, b].map((sides) => mixOf(sides)) as [Mix, Mix];
  if (mixA.devices === 0 || mixB.devices === 0) return undefined;
  const classes = Math.max(mixA.shares.length, mixB.shares.length);
  const gaps = Array.from({ length: classes }, (_, i) =>
    Math.abs((mixA.shares[i] ?? 0) - (mixB.shares[i] ?? 0)),
  );
  const devices = { a: mixA.devices, b: mixB.devices };
  const value = gaps.reduce((sum, gap) => sum + gap, 0) / 2;
  return { metric: 'class-mix', devices, a: 0, b: value, difference: { value } };
}

interface Mix {
  readonly devices: number;
  readonly shares: readonly number[];
}

function mixOf(sides: readonly Side[]): Mix {
  const counts = sides
    .map(({ classCounts }) => classCounts)
    .filter((classes) => total(classes) >= MIN_PER_DEVICE);
  const shares: number[] = [];
  for (const classes of counts) {
    const all = total(classes);
    classes.forEach((count, i) => {
      shares[i] = (shares[i] ?? 0) + count / all / counts.length;
    });
  }
  return { devices: counts.length, shares };
}

const total = (counts: readonly number[]): number => counts.reduce((sum, one) => sum + one, 0);

/** "B against A on 4 and 5 devices: latency 1.02 × (0.98 to 1.07), errors +0.1% …" */
function sentenceOf(devices: ArmsResult['devices'], metrics: readonly MetricResult[]): string {
  if (metrics.length === 0) return 'the arms have not computed enough to be compared';
  const told = metrics.map(({ metric, difference: { value, low, high } }) => {
    const text = metric === 'latency' ? times : metric === 'class-mix' ? percent : signed;
    const range = low === undefined || high === undefined ? '' : ` (${text(low)} to ${text(high)})`;
    return `${metric} ${text(value)}${range}`;
  });
  return `B against A on ${devices.b} and ${plural(devices.a, 'device')}: ${told.join(', ')}`;
}

const times = (ratio: number): string => `${Number(ratio.toFixed(2))} ×`;
const signed = (share: number): string => {
  const text = percent(Math.abs(share));
  return text === percent(0) ? text : `${share < 0 ? '−' : '+'}${text}`;
};

/** What each of these deployments computed since the rollout was made, as far as anything. */
async function readSides(
  db: Kysely<Database>,
  { fleet, createdMs }: Rollout,
  deployments: readonly string[],
  now: number,
): Promise<Side[]> {
  const fromMs = createdMs - (createdMs % HOUR_MS);
  const sums = await createTelemetrySums().read(db, fleet, deployments, { fromMs, now });
  return [...sums.values()].map(({ side }) => side).filter(({ inferences }) => inferences > 0);
}

async function controlDeployments(
  db: Kysely<Database>,
  { fleet, id, slot }: Rollout,
): Promise<string[]> {
  const rows = await db
    .selectFrom('rollout_members as m')
    .innerJoin('slots as s', (join) =>
      join.onRef('s.fleet', '=', 'm.fleet').onRef('s.device', '=', 'm.device'),
    )
    .select('s.active')
    .where('m.fleet', '=', fleet)
    .where('m.rollout', '=', id)
    .where('m.arm', '=', 'control')
    .where('s.slot', '=', slot)
    .where('s.active', '!=', '')
    .orderBy('m.device')
    .limit(MAX_PAIRS)
    .execute();
  return rows.map(({ active }) => active);
}

async function candidateDeployments(
  db: Kysely<Database>,
  { fleet, id }: Rollout,
): Promise<string[]> {
  const rows = await db
    .selectFrom('rollout_members')
    .select('deployment')
    .where('fleet', '=', fleet)
    .where('rollout', '=', id)
    .where('arm', '=', 'candidate')
    .where('state', '=', 'committed')
    .orderBy('position')
    .limit(MAX_PAIRS)
    .execute();
  return rows.map(({ deployment }) => deployment);
}
