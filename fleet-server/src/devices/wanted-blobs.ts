import { blobsOf, MAX_MANIFEST_BYTES, parseManifest } from '@flotilla/protocol';
import type { ServerContext } from '../context.ts';

type Parts = Pick<ServerContext, 'db' | 'artifacts'>;

/** Says which blobs a device's desired state names: manifests and all that they list. */
export interface WantedBlobs {
  isWanted(fleet: string, device: string, digest: string): Promise<boolean>;
}

/** Manifests that are remembered; what one says never changes. */
const REMEMBERED = 256;

export function createWantedBlobs({ db, artifacts }: Parts): WantedBlobs {
  const known = new Map<string, ReadonlySet<string>>();

  async function named(manifest: string): Promise<ReadonlySet<string>> {
    const before = known.get(manifest);
    if (before !== undefined) return before;
    const info = await artifacts.stat(manifest);
    if (info === undefined || info.size > MAX_MANIFEST_BYTES) return new Set([manifest]);
    const parts: Uint8Array[] = [];
    for await (const part of artifacts.read(manifest)) parts.push(part as Uint8Array);
    const blobs = blobsOf(parseManifest(Buffer.concat(parts), manifest));
    const digests = new Set([manifest, ...blobs.map(({ digest }) => digest)]);
    if (known.size >= REMEMBERED) known.delete(known.keys().next().value ?? '');
    known.set(manifest, digests);
    return digests;
  }

  return {
    async isWanted(fleet, device, digest) {
      const rows = await db
        .selectFrom('slots as s')
        .innerJoin('deployments as d', (join) =>
          join
            .onRef('d.fleet', '=', 's.fleet')
            .on((e) =>
              e.or([
                e('d.deployment', '=', e.ref('s.active')),
                e('d.deployment', '=', e.ref('s.shadow')),
              ]),
            ),
        )
        .select('d.digest')
        .where('s.fleet', '=', fleet)
        .where('s.device', '=', device)
        .where('s.mode', '=', 'present')
        .execute();
      for (const row of rows) if ((await named(row.digest)).has(digest)) return true;
      return false;
    },
  };
}
