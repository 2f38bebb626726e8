import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { ProfileFor } from '../../drift/profiles.ts';
import { readVersions } from '../../telemetry/queries.ts';
import { MINUTE_MS } from '../../telemetry/rollups.ts';
import type { LabelsFor } from './bundle-text.ts';
import type { Predictions } from './schemas.ts';

const LOOK_BACK_MS = 60 * MINUTE_MS;

interface Readers {
  readonly profileFor: ProfileFor;
  readonly labelsFor: LabelsFor;
}

/** Of each version that ran in the last hour, over the fleet or on one device. */
export async function readPredictions(
  db: Kysely<Database>,
  { fleet, device, now }: { fleet: string; device?: string | undefined; now: number },
  { profileFor, labelsFor }: Readers,
): Promise<Predictions[]> {
  const span = { fromMs: now - LOOK_BACK_MS, toMs: now + MINUTE_MS, grain: 'minute' as const };
  const versions = await readVersions(db, { fleet, device, ...span });
  const seen = versions.filter(({ inferences }) => inferences > 0);
  return Promise.all(
    seen.map(async ({ model, version, inferences, classCounts, confidenceBins }) => {
      const digest = await anyBundle(db, fleet, model, version);
      const profile = digest === undefined ? undefined : (await profileFor(digest))?.profile;
      const labels = digest === undefined ? [] : [...(await labelsFor(digest))];
      return {
        model,
        version,
        inferences,
        labels,
        classes: { reference: profile?.classCounts ?? [], observed: [...classCounts] },
        confidence: { reference: profile?.confidence.bins ?? [], observed: [...confidenceBins] },
      };
    }),
  );
}

/** Variants of a version share labels; profiles differ little between them. */
async function anyBundle(
  db: Kysely<Database>,
  fleet: string,
  model: string,
  version: number,
): Promise<string | undefined> {
  const row = await db
    .selectFrom('variants')
    .select('digest')
    .where('fleet', '=', fleet)
    .where('model', '=', model)
    .where('version', '=', version)
    .orderBy('digest')
    .limit(1)
    .executeTakeFirst();
  return row?.digest;
}
