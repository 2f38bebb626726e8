import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import { HOUR_MS } from '../telemetry/rollups.ts';
import type { DevicePair, Evidence } from './gates/types.ts';
import { mergeSides, NO_SIDE } from './sides.ts';
import { chunks, type Rollout } from './store.ts';
import { createTelemetrySums, type TelemetrySum, type TelemetrySums } from './sums.ts';
import { readTallies, variantOf } from './tallies.ts';

type Db = Kysely<Database>;

/**
 * Devices whose telemetry is compared, the first in the order of the waves: what that many do not
 * show is within the limits, and a rollout over a hundred thousand is judged as fast as one over
 * these.
 */
export const MAX_PAIRS = 2000;

/**
 * What the gates judge: how many devices are bad in which way, and both versions on each device
 * that had one.
 *
 * @param sums remembers what was read for the last look
 */
export async function gatherEvidence(
  db: Db,
  rollout: Rollout,
  now: number,
  sums: TelemetrySums = createTelemetrySums(),
): Promise<Evidence> {
  const tallies = await readTallies(db, rollout, now);
  const shadow = rollout.kind === 'shadow';
  return { ...tallies, shadow, pairs: await gatherPairs(db, rollout, { now, sums }) };
}

/** A device that took the new version up and had one before. */
interface Taken {
  readonly device: string;
  readonly deployment: string;
  readonly target_path: string;
  readonly base_digest: string;
  readonly sent_ms: number;
}

async function gatherPairs(
  db: Db,
  rollout: Rollout,
  { now, sums }: { readonly now: number; readonly sums: TelemetrySums },
): Promise<DevicePair[]> {
  const pairs: DevicePair[] = [];
  for (const some of chunks(await readTaken(db, rollout), 200)) {
    const baselines = await baselineDeployments(db, rollout, some);
    const ids = some.flatMap(({ device, deployment }) => [
      deployment,
      ...(baselines.get(device) ?? []),
    ]);
    const times = { fromMs: earliest(rollout, some), now };
    const read = await sums.read(db, rollout.fleet, ids, times);
    pairs.push(...some.map((one) => pairOf(one, baselines.get(one.device) ?? [], read)));
  }
  return pairs;
}

function pairOf(
  { device, deployment, target_path }: Taken,
  baselines: readonly string[],
  sums: ReadonlyMap<string, TelemetrySum>,
): DevicePair {
  const candidate = sums.get(deployment);
  const [first = NO_SIDE, ...more] = baselines.map((id) => sums.get(id)?.side ?? NO_SIDE);
  return {
    device,
    variant: variantOf(target_path),
    candidate: candidate?.side ?? NO_SIDE,
    baseline: more.reduce(mergeSides, first),
    ...(candidate?.comparison === undefined ? {} : { comparison: candidate.comparison }),
  };
}

const readTaken = (db: Db, { fleet, id }: Rollout): Promise<Taken[]> =>
  db
    .selectFrom('rollout_members')
    .select(['device', 'deployment', 'target_path', 'base_digest', 'sent_ms'])
    .where('fleet', '=', fleet)
    .where('rollout', '=', id)
    .where('started', '=', 1)
    .where('base_digest', '!=', '')
    .orderBy('position')
    .limit(MAX_PAIRS)
    .execute();

/** The hour in which the look-back of the earliest of these devices begins. */
function earliest({ settings }: Rollout, taken: readonly Taken[]): number {
  const sent = Math.min(...taken.map(({ sent_ms }) => sent_ms));
  const from = Math.max(0, sent - settings.gates.lookBackMs);
  return from - (from % HOUR_MS);
}

/**
 * Every deployment of the bundle that a device had before: an earlier roll-back made more than one.
 * What this rollout's own roll-back made is not evidence of how things were before it, and what ran
 * as a shadow did not answer anybody.
 */
async function baselineDeployments(
  db: Db,
  { fleet, slot }: Rollout,
  taken: readonly Taken[],
): Promise<Map<string, string[]>> {
  const rows = await db
    .selectFrom('deployments')
    .select(['device', 'deployment', 'digest', 'created_ms'])
    .where('fleet', '=', fleet)
    .where('slot', '=', slot)
    .where('result', '=', 'committed')
    .where('role', '=', 'active')
    .where(
      'device',
      'in',
      taken.map(({ device }) => device),
    )
    .execute();
  const asked = new Map(taken.map((one) => [one.device, one]));
  const byDevice = new Map<string, string[]>();
  for (const { device, deployment, digest, created_ms } of rows) {
    const own = asked.get(device);
    if (own === undefined || own.base_digest !== digest || own.deployment === deployment) continue;
    if (created_ms > own.sent_ms) continue;
    byDevice.set(device, [...(byDevice.get(device) ?? []), deployment]);
  }
  return byDevice;
}
