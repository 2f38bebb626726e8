import { makeRelease, type ReleaseConfig, releasePath } from '@flotilla/protocol';
import type { SignedBundle } from './test-fleet.ts';

/** A release whose program is the text of its version. */
export async function makeToyRelease(
  release: number,
  fields: Partial<ReleaseConfig> = {},
): Promise<SignedBundle> {
  const utf8 = new TextEncoder();
  const config: ReleaseConfig = {
    formatVersion: 1,
    kind: 'agent',
    release,
    version: `0.${release}.0`,
    os: 'linux',
    arch: 'x64',
    libc: 'glibc',
    protocolMinor: 1,
    files: 3,
    unpackedBytes: 100,
    epoch: 0,
    ...fields,
  };
  const content = await makeRelease(config, {
    node: utf8.encode('node'),
    libraries: utf8.encode('libraries'),
    program: utf8.encode(config.version),
  });
  return { ...content, version: release, targetPath: releasePath(config) };
}
