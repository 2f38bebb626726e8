import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { gatherEvidence } from '../../rollouts/evidence.ts';
import type { DevicePair, Side } from '../../rollouts/gates/types.ts';
import { readAsked } from '../../rollouts/members.ts';
import { chunks, type MemberRow, type Rollout } from '../../rollouts/store.ts';
import type { LabelsFor } from './bundle-text.ts';
import type { ComparedSide, Comparison } from './schemas.ts';

/** Devices that are shown one by one. */
const MAX_DEVICES = 12;

type Db = Kysely<Database>;

/** What the gates compare, as a picture needs it. */
export async function readComparison(
  db: Db,
  rollout: Rollout,
  labelsFor: LabelsFor,
): Promise<Comparison> {
  const members = await readAsked(db, rollout);
  const { pairs } = await gatherEvidence(db, rollout, Date.now());
  const matched = pairs.filter((pair) => weightOf(pair) > 0);
  const digest = members.find(({ digest }) => digest !== '')?.digest;
  const labels = digest === undefined ? [] : [...(await labelsFor(digest))];
  if (matched.length === 0) return { labels, before: null, now: null, devices: [] };
  const shown = matched.slice(0, MAX_DEVICES);
  const names = await readNames(db, rollout.fleet, shown);
  return {
    labels,
    before: merge(matched, 'baseline', baseVersion(members)),
    now: merge(matched, 'candidate', rollout.version),
    devices: shown.map((pair) => ({
      device: pair.device,
      name: names.get(pair.device) ?? pair.device,
      before: pair.baseline.confidence.mean,
      now: pair.candidate.confidence.mean,
      inferences: pair.candidate.inferences,
    })),
  };
}

/** A device counts with the smaller of its two numbers: a busy one does not stand for another. */
const weightOf = ({ candidate, baseline }: DevicePair): number =>
  Math.min(candidate.inferences, baseline.inferences);

/** Members of one rollout may come from several versions: the one that most of them had. */
function baseVersion(members: readonly MemberRow[]): number {
  const uses = new Map<number, number>();
  for (const { base_version, started } of members) {
    if (started === 1) uses.set(base_version, (uses.get(base_version) ?? 0) + 1);
  }
  const [most] = [...uses].sort((a, b) => b[1] - a[1]);
  return most?.[0] ?? 0;
}

/** @param pairs with at least one inference on both sides */
export function merge(
  pairs: readonly DevicePair[],
  side: 'candidate' | 'baseline',
  version: number,
): ComparedSide {
  const total = sum(pairs.map(weightOf));
  const classes: number[] = [];
  let confidence = 0;
  for (const pair of pairs) {
    const own: Side = pair[side];
    const weight = weightOf(pair);
    confidence += (own.confidence.mean * weight) / total;
    const predictions = Math.max(1, sum(own.classCounts));
    own.classCounts.forEach((count, i) => {
      classes[i] = (classes[i] ?? 0) + (count * weight) / predictions;
    });
  }
  return {
    version,
    inferences: sum(pairs.map((pair) => pair[side].inferences)),
    errors: sum(pairs.map((pair) => pair[side].errors)),
    confidence,
    classes: Array.from(classes, (count = 0) => count),
  };
}

async function readNames(
  db: Db,
  fleet: string,
  pairs: readonly DevicePair[],
): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  const ids = pairs.map(({ device }) => device);
  for (const some of chunks(ids, 400)) {
    const rows = await db
      .selectFrom('devices')
      .select(['device', 'name'])
      .where('fleet', '=', fleet)
      .where('device', 'in', some)
      .execute();
    for (const { device, name } of rows) names.set(device, name);
  }
  return names;
}

const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => total + number, 0);
