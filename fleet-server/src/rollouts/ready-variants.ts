import { FlotillaError } from '@flotilla/protocol';
import type { Kysely, Selectable } from 'kysely';
import { newestBuild } from '../builds/store.ts';
import type { Database, VariantsTable } from '../db/schema.ts';
import { listVariants, readVersion } from '../registry/versions.ts';
import { listedTargets } from '../trust/metadata-store.ts';

/**
 * The variants of a version that devices may be asked to take: it is built, and the fleet's targets
 * metadata lists every one of them, without which each device would refuse its bundle.
 *
 * @throws FlotillaError `rollout.invalid`, `server.not-found`
 */
export async function readyVariants(
  db: Kysely<Database>,
  fleet: string,
  model: string,
  version: number,
): Promise<Selectable<VariantsTable>[]> {
  const name = `${model}@${version}`;
  const { status } = await readVersion(db, fleet, model, version);
  if (status === 'building') refuse(`${name} is not built yet: wait until its build has ended`);
  if (status === 'failed') {
    const { error = '' } = (await newestBuild(db, fleet, model, version)) ?? {};
    const why = error === '' ? '' : ` (${error})`;
    refuse(`${name} is not built, for its build failed${why}: push the model again`);
  }
  const variants = await listVariants(db, fleet, model, version);
  if (variants.length === 0) refuse(`${name} has no variants: push the model again`);
  const listed = await listedTargets(db, fleet);
  const unsigned = variants.find(({ target_path, digest }) => listed.get(target_path) !== digest);
  if (unsigned !== undefined) {
    const { target, precision } = unsigned;
    refuse(
      `${name} is not signed: the targets metadata of fleet ${fleet} does not list its variant ${precision} for ${target}, and devices would refuse it: push the model again, which signs all variants`,
    );
  }
  return variants;
}

function refuse(reason: string): never {
  throw new FlotillaError('rollout.invalid', { reason, field: 'version' });
}
