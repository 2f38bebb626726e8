import type { Window } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import { emptyWindow, mergeWindows, unpackWindow } from '../telemetry/merge.ts';
import { HOUR_MS } from '../telemetry/rollups.ts';
import type { ActivationCounts, DevicePair, Evidence, Side } from './gates/types.ts';
import { chunks, type MemberRow, type Rollout } from './store.ts';

type Db = Kysely<Database>;

/** What the gates judge: how activations went, and both versions on each device that had one. */
export async function gatherEvidence(
  db: Db,
  rollout: Rollout,
  members: readonly MemberRow[],
): Promise<Evidence> {
  return {
    activations: countActivations(members, rollout.settings.maxAttempts),
    pairs: await gatherPairs(db, rollout, members),
  };
}

/** A failure that will be tried again is not one yet; a device that took it up and fell silent is. */
function countActivations(members: readonly MemberRow[], maxAttempts: number): ActivationCounts {
  const ordered = members.filter(({ deployment }) => deployment !== '');
  const failed = ordered.filter(
    ({ state, started, retryable, attempt }) =>
      state === 'rolled-back' ||
      (state === 'failed' && !(retryable === 1 && attempt < maxAttempts)) ||
      (state === 'expired' && started === 1),
  );
  const codes = new Map<string, number>();
  for (const { code, state } of failed) {
    const reason = state === 'expired' ? 'no answer after it was taken up' : code;
    codes.set(reason, (codes.get(reason) ?? 0) + 1);
  }
  const [common] = [...codes].sort((a, b) => b[1] - a[1]);
  return { ordered: ordered.length, failed: failed.length, commonCode: common?.[0] ?? '' };
}

async function gatherPairs(
  db: Db,
  rollout: Rollout,
  members: readonly MemberRow[],
): Promise<DevicePair[]> {
  const taken = members.filter(({ started, base_digest }) => started === 1 && base_digest !== '');
  const pairs: DevicePair[] = [];
  for (const some of chunks(taken, 200)) {
    const baselines = await baselineDeployments(db, rollout, some);
    const ids = some.flatMap(({ device, deployment }) => [
      deployment,
      ...(baselines.get(device) ?? []),
    ]);
    const sums = await sumByDeployment(db, rollout, ids, earliest(rollout, some));
    for (const { device, deployment, target_path } of some) {
      pairs.push({
        device,
        variant: variantOf(target_path),
        candidate: sideOf(sums, [deployment]),
        baseline: sideOf(sums, baselines.get(device) ?? []),
      });
    }
  }
  return pairs;
}

/** Of a TUF target path, `{model}/{version}/{target}/{precision}`. */
const variantOf = (targetPath: string): string => targetPath.split('/').slice(2).join(' ');

/** The hour in which the look-back of the earliest of these devices begins. */
function earliest({ settings }: Rollout, members: readonly MemberRow[]): number {
  const sent = Math.min(...members.map(({ sent_ms }) => sent_ms));
  const from = Math.max(0, sent - settings.gates.lookBackMs);
  return from - (from % HOUR_MS);
}

/**
 * Every deployment of the bundle that a device had before: an earlier roll-back made more than one.
 * What this rollout's own roll-back made is not evidence of how things were before it.
 */
async function baselineDeployments(
  db: Db,
  { fleet, slot, createdMs }: Rollout,
  members: readonly MemberRow[],
): Promise<Map<string, string[]>> {
  const rows = await db
    .selectFrom('deployments')
    .select(['device', 'deployment', 'digest'])
    .where('fleet', '=', fleet)
    .where('slot', '=', slot)
    .where('result', '=', 'committed')
    .where('created_ms', '<=', createdMs)
    .where(
      'device',
      'in',
      members.map(({ device }) => device),
    )
    .execute();
  const digests = new Map(members.map(({ device, base_digest }) => [device, base_digest]));
  const own = new Set(members.map(({ deployment }) => deployment));
  const byDevice = new Map<string, string[]>();
  for (const { device, deployment, digest } of rows) {
    if (digests.get(device) !== digest || own.has(deployment)) continue;
    byDevice.set(device, [...(byDevice.get(device) ?? []), deployment]);
  }
  return byDevice;
}

async function sumByDeployment(
  db: Db,
  { fleet }: Rollout,
  deployments: readonly string[],
  fromMs: number,
): Promise<Map<string, Window>> {
  const sums = new Map<string, Window>();
  for (const subjects of chunks(deployments, 400)) {
    const rows = await db
      .selectFrom('telemetry_rollups')
      .select(['subject', 'body'])
      .where('fleet', '=', fleet)
      .where('scope', '=', 'deployment')
      .where('subject', 'in', subjects)
      .where('grain_ms', '=', HOUR_MS)
      .where('start_ms', '>=', fromMs)
      .execute();
    for (const { subject, body } of rows) {
      sums.set(subject, mergeWindows(sums.get(subject) ?? emptyWindow(), unpackWindow(body)));
    }
  }
  return sums;
}

function sideOf(sums: ReadonlyMap<string, Window>, deployments: readonly string[]): Side {
  const merged = deployments
    .map((id) => sums.get(id) ?? emptyWindow())
    .reduce(mergeWindows, emptyWindow());
  const { count = 0, mean = 0, m2 = 0 } = merged.confidence ?? {};
  return {
    inferences: merged.inferences,
    errors: merged.errors,
    confidence: { count, mean, m2 },
    classCounts: merged.classCounts,
  };
}
