import { FlotillaError } from '@flotilla/protocol';
import type { ServerContext } from '../context.ts';
import type { ArtifactInfo } from './artifacts.ts';

/**
 * A blob that one of the fleet's bundles names.
 *
 * @throws FlotillaError `server.not-found`
 */
export async function readBlob(
  { db, artifacts }: Pick<ServerContext, 'db' | 'artifacts'>,
  fleet: string,
  digest: string,
): Promise<ArtifactInfo> {
  const granted = await db
    .selectFrom('blobs')
    .select('size')
    .where('fleet', '=', fleet)
    .where('digest', '=', digest)
    .executeTakeFirst();
  const info = granted === undefined ? undefined : await artifacts.stat(digest);
  if (info === undefined) throw new FlotillaError('server.not-found', { what: 'blob', id: digest });
  return info;
}
