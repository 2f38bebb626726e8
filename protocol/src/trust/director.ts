/**
 * What one device gets: signed apart from what may exist, as in Uptane's split of director and
 * image repository (Uptane Standard 2.1.0, §5.3). A device installs only what both name.
 */
import { isCount, type Reading, readDocument, type SignedDocument } from './document.ts';
import type { DirectorTarget, RepositoryTarget, TrustedState } from './metadata.ts';
import { isSignedBy } from './roles.ts';
import { readFiles } from './targets.ts';
import type { Verifier } from './verifier.ts';
import { readTrustedRoot } from './verify.ts';

/** Revisions of one generation: 2^32, as many generations: 2^20. */
const REVISIONS = 2 ** 32;
const GENERATIONS = 2 ** 20;

/** One number that orders (generation, revision). */
export function directorVersion(generation: number, revision: number): number {
  return generation * REVISIONS + revision;
}

export type DirectorVerdict =
  | {
      readonly ok: true;
      /** To be stored as `TrustedState.directorVersion`. */
      readonly version: number;
      readonly generation: number;
      readonly revision: number;
      readonly expires: Date;
      readonly targets: ReadonlyMap<string, DirectorTarget>;
    }
  | { readonly ok: false; readonly reason: string };

/** Verifies the document in `Desired.director`: signed by the director, for this device, not older. */
export async function verifyDirector(
  trusted: TrustedState,
  bytes: Uint8Array,
  { fleet, device }: { readonly fleet: string; readonly device: string },
  now: Date,
  verifier: Verifier,
): Promise<DirectorVerdict> {
  const opened = await openSigned(trusted, bytes, 'director', now, verifier);
  if (!opened.ok) return opened;
  const { signed, expires } = opened.value;
  if (signed.fleet !== fleet || signed.device !== device) {
    return { ok: false, reason: 'it is for another device' };
  }
  const { generation, revision } = signed;
  if (!isOrder(generation, GENERATIONS) || !isOrder(revision, REVISIONS)) {
    return { ok: false, reason: 'generation or revision is malformed' };
  }
  const version = directorVersion(generation, revision);
  if (version < trusted.directorVersion) {
    const last = `${Math.floor(trusted.directorVersion / REVISIONS)}.${trusted.directorVersion % REVISIONS}`;
    return { ok: false, reason: `${generation}.${revision} is older than ${last}, taken before` };
  }
  const files = readFiles(signed.targets);
  if (!files.ok) return files;
  const targets = new Map<string, DirectorTarget>();
  for (const [path, { length, digest }] of files.value) targets.set(path, { length, digest });
  return { ok: true, version, generation, revision, expires, targets };
}

export type HaltVerdict =
  | {
      readonly ok: true;
      readonly generation: number;
      readonly counter: number;
      readonly halted: boolean;
    }
  | { readonly ok: false; readonly reason: string };

/** Verifies the document in `Halt.signed`. Which of two halts is newer is for the caller to judge. */
export async function verifyHalt(
  trusted: TrustedState,
  bytes: Uint8Array,
  { fleet }: { readonly fleet: string },
  now: Date,
  verifier: Verifier,
): Promise<HaltVerdict> {
  const opened = await openSigned(trusted, bytes, 'halt', now, verifier);
  if (!opened.ok) return opened;
  const { generation, counter, halted, fleet: named } = opened.value.signed;
  if (named !== fleet) return { ok: false, reason: 'it is for another fleet' };
  if (!isOrder(generation, GENERATIONS) || !isOrder(counter, REVISIONS)) {
    return { ok: false, reason: 'generation or counter is malformed' };
  }
  if (typeof halted !== 'boolean') return { ok: false, reason: 'it does not say whether to halt' };
  return { ok: true, generation, counter, halted };
}

const isOrder = (value: unknown, limit: number): value is number =>
  typeof value === 'number' && isCount(value) && value < limit;

async function openSigned(
  trusted: TrustedState,
  bytes: Uint8Array,
  type: 'director' | 'halt',
  now: Date,
  verifier: Verifier,
): Promise<Reading<SignedDocument>> {
  const root = readTrustedRoot(trusted.root);
  if (!root.ok) return { ok: false, reason: `trusted root: ${root.reason}` };
  const document = readDocument(bytes);
  if (!document.ok) return document;
  const { value } = document;
  if (value.type !== type) return { ok: false, reason: `it is of type ${value.type.slice(0, 32)}` };
  const signed = await isSignedBy(root.value, 'director', value, verifier);
  if (!signed.ok) return signed;
  // so that a time that is none lets nothing through
  if (now.getTime() < value.expires.getTime()) return document;
  return { ok: false, reason: `it expired on ${value.expires.toISOString()}` };
}

export type InstallVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: string };

/**
 * Whether a bundle may be installed: repository and director both name it, with the same length
 * and digest, and its security epoch is not below what its model demands. An older version of the
 * same epoch is fine: that is a deliberate roll-back.
 *
 * @param digest of the bundle's manifest
 */
export function checkInstall(
  path: string,
  digest: string,
  repository: ReadonlyMap<string, RepositoryTarget>,
  director: ReadonlyMap<string, DirectorTarget>,
): InstallVerdict {
  const may = repository.get(path);
  const shall = director.get(path);
  const no = (reason: string): InstallVerdict => ({ ok: false, reason: `${path} ${reason}` });
  if (may === undefined) return no('is not in the signed repository');
  if (shall === undefined) return no('was not assigned to this device');
  if (may.digest !== digest) return no('has another digest in the signed repository');
  if (shall.digest !== digest) return no('has another digest in what was assigned to this device');
  if (may.length !== shall.length) return no('has two lengths in signed metadata');
  if (may.epoch < may.minimumEpoch) {
    return no(`has security epoch ${may.epoch}, below the ${may.minimumEpoch} that is demanded`);
  }
  return { ok: true };
}
