import type { Comparison, Moments } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import { portionsOf } from '../../breathe.ts';
import type { Database } from '../../db/schema.ts';
import { mergeComparisons } from '../../telemetry/comparison.ts';
import { unpackWindow } from '../../telemetry/merge.ts';
import { HOUR_MS } from '../../telemetry/rollups.ts';
import { MAX_PAIRS } from '../evidence.ts';
import { MIN_PER_DEVICE } from '../gates/paired.ts';
import { percent, plural } from '../gates/text.ts';
import { chunks, type Rollout } from '../store.ts';
import { DECODED, readAtOnce } from '../sums.ts';
import { armOf, type Estimate, meanOf } from './intervals.ts';

/** Logarithms of run times differ between devices at least so much. */
const FLOOR = 0.01;
/** Disagreements that are told, the most frequent first. */
const SHOWN = 64;

/** A shadow against what its devices answer with, over all of them. */
export interface ShadowResult {
  readonly devices: number;
  readonly compared: number;
  readonly agreed: number;
  /** Sampled inferences that there was no time for. */
  readonly skipped: number;
  /** 0 to 1; 0 where nothing was compared. */
  readonly agreement: number;
  readonly disagreements: { active: number; shadow: number; count: number }[];
  /** Run time of the shadow over that of the active model: geometric mean over the devices. */
  readonly latencyRatio: Estimate;
  /** Top-1 probability, shadow less active: mean over the devices. */
  readonly confidenceChange: Estimate;
  readonly sentence: string;
}

/** What the shadows of a rollout came to so far. */
export async function compareShadows(
  db: Kysely<Database>,
  rollout: Rollout,
  now: number,
): Promise<ShadowResult> {
  const devices = await readComparisons(db, rollout, now);
  const all = devices.reduce<Comparison | null>((sum, one) => mergeComparisons(sum, one), null);
  const { compared = 0, agreed = 0, skipped = 0, disagreements = [] } = all ?? {};
  const ratios = meanOf(armOf(means(devices.map((one) => one.logLatencyRatio))), FLOOR);
  const result = {
    ...{ devices: devices.length, compared, agreed, skipped },
    agreement: compared === 0 ? 0 : agreed / compared,
    disagreements: disagreements.slice(0, SHOWN).map((cell) => ({ ...cell })),
    latencyRatio: exponential(ratios),
    confidenceChange: meanOf(armOf(means(devices.map((one) => one.confidenceChange))), 0.001),
  };
  return { ...result, sentence: sentenceOf(result) };
}

function sentenceOf(result: Omit<ShadowResult, 'sentence'>): string {
  const { compared, devices, agreement, latencyRatio } = result;
  if (compared === 0) return 'no inference was made by both models yet';
  const slower = `${Number(latencyRatio.value.toFixed(2))} × the run time`;
  return `the shadow agrees on ${percent(agreement)} of ${plural(compared, 'inference')} on ${plural(devices, 'device')}, at ${slower}`;
}

/** Of devices that say enough. */
const means = (moments: readonly (Moments | null | undefined)[]): number[] =>
  moments.flatMap((one) => (one && one.count >= MIN_PER_DEVICE ? [one.mean] : []));

const exponential = ({ value, low, high }: Estimate): Estimate =>
  low === undefined || high === undefined
    ? { value: Math.exp(value) }
    : { value: Math.exp(value), low: Math.exp(low), high: Math.exp(high) };

/** Of each device, what its shadow was compared on. */
async function readComparisons(
  db: Kysely<Database>,
  { fleet, id, createdMs, endedMs }: Rollout,
  now: number,
): Promise<Comparison[]> {
  const members = await db
    .selectFrom('rollout_members')
    .select('deployment')
    .where('fleet', '=', fleet)
    .where('rollout', '=', id)
    .where('started', '=', 1)
    .orderBy('position')
    .limit(MAX_PAIRS)
    .execute();
  const sums = new Map<string, Comparison>();
  // the first window may have begun before the shadow did
  const fromMs = createdMs - (createdMs % HOUR_MS) - HOUR_MS;
  for (const some of chunks(members, readAtOnce(fromMs, endedMs || now))) {
    const rows = await db
      .selectFrom('telemetry_rollups')
      .select(['subject', 'body'])
      .where('fleet', '=', fleet)
      .where('scope', '=', 'deployment')
      .where(
        'subject',
        'in',
        some.map(({ deployment }) => deployment),
      )
      .where('grain_ms', '=', HOUR_MS)
      .where('start_ms', '>=', fromMs)
      .execute();
    for await (const portion of portionsOf(rows, DECODED)) {
      for (const { subject, body } of portion) {
        const merged = mergeComparisons(sums.get(subject), unpackWindow(body).comparison);
        if (merged !== null) sums.set(subject, merged);
      }
    }
  }
  return [...sums.values()].filter(({ compared }) => compared > 0);
}
