import { packBundle } from '@flotilla/protocol';
import {
  createRepository,
  LOCAL_EXPIRY,
  type Signer,
  type SigningOptions,
  signTargets,
} from '@flotilla/protocol/node';
import type { SignedBundle } from './test-fleet.ts';

/** A bundle as one file, signed by a key of its own as `flotilla optimize` does. */
export async function bundleFile(
  bundle: SignedBundle,
  signer: Signer,
  {
    epoch = 0,
    ...options
  }: SigningOptions & { epoch?: number; epochs?: Readonly<Record<string, number>> } = {},
): Promise<Uint8Array> {
  const entry = { length: bundle.manifestBytes.length, digest: bundle.digest, epoch };
  const signing = { expiry: LOCAL_EXPIRY, ...options };
  const repository = createRepository(signer, { fleet: 'local', ...signing });
  const targets = new Map([[bundle.targetPath, entry]]);
  const metadata = signTargets(repository, targets, signer, signing);
  return Buffer.concat(await packBundle({ ...bundle, metadata }));
}

/** Bytes as they come from a slow reader. */
export async function* inPieces(bytes: Uint8Array, length = 700): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}
