import type { TufMetadata } from '@flotilla/protocol';
import type { Trust } from './trust.ts';

/** Names of metadata files, as devices ask for them. */
export const METADATA_FILE = /^(root|[1-9]\d{0,8}\.root|timestamp|snapshot|targets)\.json$/;

/** A file of a fleet's signed metadata; undefined where there is none of that name. */
export async function readMetadataFile(
  trust: Trust,
  fleet: string,
  file: string,
): Promise<Uint8Array | undefined> {
  if (!METADATA_FILE.test(file)) return undefined;
  const metadata = await trust.metadata(fleet);
  return metadata === undefined ? undefined : pick(metadata, file);
}

function pick(metadata: TufMetadata, file: string): Uint8Array | undefined {
  const name = file.slice(0, -'.json'.length);
  if (name === 'root') return metadata.root.at(-1);
  if (name === 'timestamp' || name === 'snapshot' || name === 'targets') return metadata[name];
  return metadata.root[Number.parseInt(name, 10) - 1];
}
