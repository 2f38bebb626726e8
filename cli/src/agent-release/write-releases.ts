import { join } from 'node:path';
import {
  type BundleContent,
  makeRelease,
  platformOf,
  type ReleaseConfig,
  releasePath,
} from '@flotilla/protocol';
import {
  createRepository,
  createSigner,
  type KeyPair,
  LOCAL_EXPIRY,
  signTargets,
  writeBundleFile,
} from '@flotilla/protocol/node';
import type { TarSource } from '../tar-stream.ts';
import { packLayers } from './layers.ts';
import type { AgentPackage } from './packages.ts';

export interface ReleaseOrder {
  /** Number of the release: what rollouts name as `_agent@N`. */
  readonly release: number;
  readonly keyPair: KeyPair;
  readonly fleet: string;
  /** Told the platform that is worked on. */
  readonly onPackage: (platform: string) => void;
}

/** Writes each package as a signed bundle into a folder. */
export async function writeReleases(
  packages: readonly AgentPackage[],
  folder: string,
  { release, keyPair, fleet, onPackage }: ReleaseOrder,
): Promise<TarSource[]> {
  const made: { readonly config: ReleaseConfig; readonly content: BundleContent }[] = [];
  for (const { folder: from, version, arch, protocolMinor } of packages) {
    onPackage(platformOf({ os: 'linux', arch }));
    const { layers, files, unpackedBytes } = await packLayers(from);
    const config: ReleaseConfig = {
      formatVersion: 1,
      kind: 'agent',
      release,
      version,
      os: 'linux',
      arch,
      libc: 'glibc',
      protocolMinor,
      files,
      unpackedBytes,
      epoch: 0,
    };
    made.push({ config, content: await makeRelease(config, layers) });
  }
  const signer = createSigner(keyPair);
  const options = { expiry: LOCAL_EXPIRY };
  const targets = new Map(
    made.map(({ config, content: { digest, manifestBytes } }) => [
      releasePath(config),
      { digest, length: manifestBytes.length, epoch: config.epoch },
    ]),
  );
  const repository = createRepository(signer, { fleet, ...options });
  const metadata = signTargets(repository, targets, signer, options);
  const written: TarSource[] = [];
  for (const { config, content } of made) {
    const path = `agent-${release}-${platformOf(config)}.flotilla`;
    const file = join(folder, path);
    await writeBundleFile(file, { ...content, metadata });
    written.push({ path, file });
  }
  return written;
}
