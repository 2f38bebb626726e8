/**
 * The client's workflow over signed metadata: root, timestamp, snapshot, targets in turn, each
 * trusted only through the one before it (TUF specification 1.0.33, §5.3 to §5.6).
 */
import { digestHex, sha256 } from '../digest.ts';
import type { JsonValue } from '../json.ts';
import { isCount, isObject, type Reading, readDocument, type SignedDocument } from './document.ts';
import type { RepositoryTarget, TrustedState, TufMetadata } from './metadata.ts';
import { isSignedBy, type RoleName, type RootDocument, readRoot } from './roles.ts';
import { readTargets } from './targets.ts';
import type { Verifier } from './verifier.ts';

export type MetadataVerdict =
  | {
      readonly ok: true;
      /** To be stored before anything is done with `targets`. */
      readonly state: TrustedState;
      readonly targets: ReadonlyMap<string, RepositoryTarget>;
    }
  | {
      readonly ok: false;
      readonly role: RoleName;
      readonly reason: string;
      /** To be stored all the same: newer roots count even where what follows them is refused. */
      readonly state: TrustedState;
    };

/** Roots that one call follows; more than a fleet rotates through in its life. */
const MAX_ROTATIONS = 256;

/** Ends the workflow; caught at its top and returned as the verdict. */
class Rejected extends Error {
  readonly role: RoleName;
  constructor(role: RoleName, reason: string) {
    super(reason);
    this.role = role;
  }
}

/**
 * Verifies a repository's metadata against what is trusted already.
 *
 * @param now wall clock, against which expiry is judged
 */
export async function verifyMetadata(
  trusted: TrustedState,
  metadata: TufMetadata,
  now: Date,
  verifier: Verifier,
): Promise<MetadataVerdict> {
  let known = trusted;
  try {
    let root = orReject('root', readTrustedRoot(trusted.root));
    for await (const next of newerRoots(root, metadata.root, verifier)) {
      known = trustRotation(known, root, next);
      root = next;
    }
    return await verifyBelow(root, known, metadata, now, verifier);
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    return { ok: false, role: error.role, reason: error.message, state: known };
  }
}

/** Timestamp, snapshot and targets, under a root that is trusted (§5.3.10 to §5.6). */
async function verifyBelow(
  root: TrustedRoot,
  trusted: TrustedState,
  metadata: TufMetadata,
  now: Date,
  verifier: Verifier,
): Promise<MetadataVerdict> {
  checkExpiry('root', root.document, now);
  const open = async (role: RoleName, bytes: Uint8Array): Promise<SignedDocument> => {
    const document = orReject(role, readDocument(bytes));
    if (document.type !== role) throw new Rejected(role, `it is of type ${document.type}`);
    orReject(role, await isSignedBy(root, role, document, verifier));
    return document;
  };

  const timestamp = await open('timestamp', metadata.timestamp);
  checkVersion('timestamp', timestamp.version, trusted.timestampVersion);
  const snapshotMeta = orReject('timestamp', readMeta(timestamp, 'snapshot.json'));
  checkVersion('snapshot', snapshotMeta.version, trusted.snapshotVersion);
  checkExpiry('timestamp', timestamp, now);

  await checkContent('snapshot', metadata.snapshot, snapshotMeta);
  const snapshot = await open('snapshot', metadata.snapshot);
  checkPromised('snapshot', snapshot, snapshotMeta);
  const targetsMeta = orReject('snapshot', readMeta(snapshot, 'targets.json'));
  checkVersion('targets', targetsMeta.version, trusted.targetsVersion);
  checkExpiry('snapshot', snapshot, now);

  await checkContent('targets', metadata.targets, targetsMeta);
  const targets = await open('targets', metadata.targets);
  checkPromised('targets', targets, targetsMeta);
  checkExpiry('targets', targets, now);
  const content = orReject('targets', readTargets(targets, trusted.epochs ?? {}));

  const state: TrustedState = {
    ...trusted,
    timestampVersion: timestamp.version,
    snapshotVersion: snapshot.version,
    targetsVersion: targets.version,
    epochs: content.epochs,
  };
  return { ok: true, state, targets: content.targets };
}

interface TrustedRoot extends RootDocument {
  readonly bytes: Uint8Array;
}

/** Reads a root that is trusted already, such as the one in `TrustedState`. */
export function readTrustedRoot(text: string): Reading<TrustedRoot> {
  const bytes = new TextEncoder().encode(text);
  const document = readDocument(bytes);
  if (!document.ok) return document;
  const root = readRoot(document.value);
  return root.ok ? { ok: true, value: { ...root.value, bytes } } : root;
}

/**
 * From the trusted root to the newest, one version at a time, each signed by the keys of the one
 * before it and by its own (§5.3.3 to §5.3.9).
 */
async function* newerRoots(
  start: TrustedRoot,
  chain: readonly Uint8Array[],
  verifier: Verifier,
): AsyncGenerator<TrustedRoot> {
  let root = start;
  if (chain.length > MAX_ROTATIONS) throw new Rejected('root', `${chain.length} roots at once`);
  for (const bytes of chain) {
    const document = orReject('root', readDocument(bytes));
    if (document.version <= root.document.version) continue;
    const next = orReject('root', readRoot(document));
    if (document.version !== root.document.version + 1) {
      const gap = `version ${document.version} does not follow ${root.document.version}`;
      throw new Rejected('root', gap);
    }
    orReject('root', await isSignedBy(root, 'root', document, verifier));
    orReject('root', await isSignedBy(next, 'root', document, verifier));
    root = { ...next, bytes };
    yield root;
  }
}

/**
 * What is trusted after a root took the place of another. Where it took a key away, what that key
 * may have signed no longer bounds what follows: whoever stole it could have raised a version so
 * far that nothing honest would be taken again (§5.3.11, and the same for the director).
 */
function trustRotation(known: TrustedState, old: TrustedRoot, next: TrustedRoot): TrustedState {
  const lost = (role: RoleName) =>
    old.roles.get(role)?.keyids.some((id) => !next.roles.get(role)?.keyids.includes(id)) ?? false;
  const isRecovery = lost('timestamp') || lost('snapshot');
  return {
    root: new TextDecoder().decode(next.bytes),
    timestampVersion: isRecovery ? 0 : known.timestampVersion,
    snapshotVersion: isRecovery ? 0 : known.snapshotVersion,
    targetsVersion: isRecovery ? 0 : known.targetsVersion,
    directorVersion: lost('director') ? 0 : known.directorVersion,
    epochs: lost('targets') ? {} : (known.epochs ?? {}),
  };
}

interface Meta {
  readonly version: number;
  readonly length: number | undefined;
  readonly hash: JsonValue | undefined;
}

/** What a timestamp or snapshot promises of the next file (§4.4, §4.5). */
function readMeta(document: SignedDocument, name: string): Reading<Meta> {
  const { meta } = document.signed;
  const entry = isObject(meta) && Object.hasOwn(meta, name) ? meta[name] : undefined;
  if (!isObject(entry)) return { ok: false, reason: `it says nothing of ${name}` };
  const { version, length, hashes } = entry;
  const sound = isCount(version) && (length === undefined || isCount(length));
  if (!sound || (hashes !== undefined && !isObject(hashes))) {
    return { ok: false, reason: `what it says of ${name} is malformed` };
  }
  if (hashes !== undefined && typeof hashes.sha256 !== 'string') {
    return { ok: false, reason: `it gives no sha256 of ${name}` };
  }
  return { ok: true, value: { version, length, hash: hashes?.sha256 } };
}

async function checkContent(role: RoleName, bytes: Uint8Array, meta: Meta): Promise<void> {
  if (meta.length !== undefined && bytes.length !== meta.length) {
    throw new Rejected(role, `it has ${bytes.length} bytes, not the promised ${meta.length}`);
  }
  if (meta.hash !== undefined && digestHex(await sha256(bytes)) !== meta.hash) {
    throw new Rejected(role, 'its content is not what was promised');
  }
}

function checkPromised(role: RoleName, document: SignedDocument, meta: Meta): void {
  if (document.version === meta.version) return;
  throw new Rejected(role, `version ${document.version}, not the promised ${meta.version}`);
}

function checkVersion(role: RoleName, version: number, floor: number): void {
  if (version >= floor) return;
  throw new Rejected(role, `version ${version} is older than ${floor}, which was trusted before`);
}

function checkExpiry(role: RoleName, document: SignedDocument, now: Date): void {
  if (now.getTime() < document.expires.getTime()) return;
  throw new Rejected(role, `it expired on ${document.expires.toISOString()}`);
}

function orReject<T>(role: RoleName, reading: Reading<T>): T {
  if (reading.ok) return reading.value;
  throw new Rejected(role, reading.reason);
}
