/** Writes a repository's signed metadata: root, targets, snapshot, timestamp (TUF 1.0 §4). */
import { createHash } from 'node:crypto';
import { Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp } from '@tufjs/models';
import { type Digest, digestHex } from '../digest.ts';
import { FlotillaError } from '../error.ts';
import { readDocument, type SignedDocument } from '../trust/document.ts';
import type { TufMetadata } from '../trust/metadata.ts';
import { DIRECTOR_FIELD, ROLES, type RoleName } from '../trust/roles.ts';
import { EPOCH_FIELD, readTargets } from '../trust/targets.ts';
import { type Signer, tufKey, tufSignature } from './keys.ts';

export const SPEC_VERSION = '1.0.33';
/** Whose repository it is, for people and for a server that opens its data folder. */
const FLEET_FIELD = 'x-flotilla-fleet';
const DAY_MS = 86_400_000;

/** Days until each file expires. */
export interface Expiry {
  readonly root: number;
  readonly targets: number;
  readonly snapshot: number;
  readonly timestamp: number;
}

/** A server signs again on a timer, so that a device notices when it is cut off or fed old files. */
export const SERVER_EXPIRY: Expiry = { root: 365, targets: 90, snapshot: 7, timestamp: 1 };
/** Without a server nobody signs again: a bundle carried by hand stays good for a year. */
export const LOCAL_EXPIRY: Expiry = { root: 365, targets: 365, snapshot: 365, timestamp: 365 };

/** Who signs a role, and how many of them must. */
export interface RoleKeys {
  readonly signers: readonly Signer[];
  readonly threshold: number;
}

/** One key for all roles, or keys by role. */
export type Keys = Signer | Readonly<Record<RoleName, RoleKeys>>;

export interface SigningOptions {
  /** Default: now. */
  readonly now?: Date;
  /** Default: `SERVER_EXPIRY`. */
  readonly expiry?: Expiry;
}

/** A bundle that may exist, by target path: its manifest's length and digest, its epoch. */
export interface TargetEntry {
  readonly length: number;
  readonly digest: Digest;
  readonly epoch?: number;
}

export type TargetEntries = ReadonlyMap<string, TargetEntry>;

/** A new repository at version 1 of every role, without targets. */
export function createRepository(
  keys: Keys,
  options: SigningOptions & { readonly fleet: string },
): TufMetadata {
  const root = makeRoot(1, options.fleet, keys, [], options);
  return publish({ root: [root], targets: new Map(), epochs: {}, versions: FIRST, keys, options });
}

/**
 * Signs the whole set of targets anew; versions of targets, snapshot and timestamp rise by one.
 *
 * @param epochs lowest security epoch by model; default: as before
 */
export function signTargets(
  repository: TufMetadata,
  targets: TargetEntries,
  keys: Keys,
  options: SigningOptions & { readonly epochs?: Readonly<Record<string, number>> } = {},
): TufMetadata {
  const { root } = repository;
  const epochs = options.epochs ?? readCurrent(repository).epochs;
  return publish({ root, targets, epochs, versions: nextVersions(repository), keys, options });
}

/** Targets of a repository as they stand, to sign again with more or fewer. */
export function targetsOf(repository: TufMetadata): Map<string, TargetEntry> {
  return new Map(readCurrent(repository).targets);
}

/**
 * Keeps a repository alive: signs snapshot and timestamp anew, and targets and root too where half
 * of their time is over.
 */
export function refreshRepository(
  repository: TufMetadata,
  keys: Keys,
  options: SigningOptions = {},
): TufMetadata {
  const newest = newestRoot(repository);
  const root = isHalfSpent('root', newest, options)
    ? [...repository.root, nextRoot(repository, keys, keys, options)]
    : repository.root;
  const alive = { ...repository, root };
  if (isHalfSpent('targets', repository.targets, options)) {
    return signTargets(alive, targetsOf(repository), keys, options);
  }
  const targets = open('targets', repository.targets).version;
  const versions = { ...nextVersions(repository), targets };
  return { ...alive, ...seal(repository.targets, versions, keys, options) };
}

/**
 * Replaces the keys: a root of the next version, signed by the old root keys and the new, then
 * every other role by its new keys.
 */
export function rotateKeys(
  repository: TufMetadata,
  oldKeys: Keys,
  keys: Keys,
  options: SigningOptions = {},
): TufMetadata {
  const root = [...repository.root, nextRoot(repository, oldKeys, keys, options)];
  return signTargets({ ...repository, root }, targetsOf(repository), keys, options);
}

/** A root of the next version, signed by the keys of the one before and its own. */
function nextRoot(
  repository: TufMetadata,
  oldKeys: Keys,
  keys: Keys,
  options: SigningOptions,
): Uint8Array {
  const { version } = open('root', newestRoot(repository));
  const { signers } = keysOf(oldKeys, 'root');
  return makeRoot(version + 1, fleetOf(repository) ?? '', keys, signers, options);
}

function isHalfSpent(
  role: 'root' | 'targets',
  bytes: Uint8Array,
  { now = new Date(), expiry = SERVER_EXPIRY }: SigningOptions,
): boolean {
  return open(role, bytes).expires.getTime() - now.getTime() < (expiry[role] * DAY_MS) / 2;
}

/** Fleet that a repository was made for. */
export function fleetOf(repository: Pick<TufMetadata, 'root'>): string | undefined {
  const fleet = open('root', newestRoot(repository)).signed[FLEET_FIELD];
  return typeof fleet === 'string' ? fleet : undefined;
}

const newestRoot = ({ root }: Pick<TufMetadata, 'root'>): Uint8Array =>
  root.at(-1) ?? new Uint8Array();

interface Versions {
  readonly targets: number;
  readonly snapshot: number;
  readonly timestamp: number;
}

const FIRST: Versions = { targets: 1, snapshot: 1, timestamp: 1 };

const nextVersions = ({ targets, snapshot, timestamp }: TufMetadata): Versions => ({
  targets: open('targets', targets).version + 1,
  snapshot: open('snapshot', snapshot).version + 1,
  timestamp: open('timestamp', timestamp).version + 1,
});

function keysOf(keys: Keys, role: RoleName): RoleKeys {
  return 'keyId' in keys ? { signers: [keys], threshold: 1 } : keys[role];
}

function makeRoot(
  version: number,
  fleet: string,
  keys: Keys,
  further: readonly Signer[],
  options: SigningOptions,
): Uint8Array {
  const role = (name: RoleName) => {
    const { signers, threshold } = keysOf(keys, name);
    return { keyids: signers.map((signer) => signer.keyId), threshold };
  };
  const all = ROLES.flatMap((name) => keysOf(keys, name).signers);
  const root = Root.fromJSON({
    version,
    spec_version: SPEC_VERSION,
    expires: expiresIn(options, 'root'),
    consistent_snapshot: false,
    keys: Object.fromEntries(all.map((signer) => [signer.keyId, tufKey(signer).toJSON()])),
    roles: {
      root: role('root'),
      timestamp: role('timestamp'),
      snapshot: role('snapshot'),
      targets: role('targets'),
    },
    [DIRECTOR_FIELD]: role('director'),
    [FLEET_FIELD]: fleet,
  });
  return write(root, [...keysOf(keys, 'root').signers, ...further]);
}

interface Publication {
  readonly root: readonly Uint8Array[];
  readonly targets: TargetEntries;
  readonly epochs: Readonly<Record<string, number>>;
  readonly versions: Versions;
  readonly keys: Keys;
  readonly options: SigningOptions;
}

function publish({ root, targets, epochs, versions, keys, options }: Publication): TufMetadata {
  const files = [...targets].map(([path, { length, digest, epoch = 0 }]) => {
    const unrecognizedFields = { custom: { epoch } };
    return [
      path,
      new TargetFile({ path, length, hashes: { sha256: digestHex(digest) }, unrecognizedFields }),
    ] as const;
  });
  const signed = new Targets({
    version: versions.targets,
    specVersion: SPEC_VERSION,
    expires: expiresIn(options, 'targets'),
    targets: Object.fromEntries(files),
    unrecognizedFields: { [EPOCH_FIELD]: { ...epochs } },
  });
  const bytes = write(signed, keysOf(keys, 'targets').signers);
  readCurrent({ targets: bytes });
  return { root, ...seal(bytes, versions, keys, options) };
}

/** Snapshot and timestamp over signed targets. */
function seal(targets: Uint8Array, versions: Versions, keys: Keys, options: SigningOptions) {
  const snapshot = write(
    new Snapshot({
      version: versions.snapshot,
      specVersion: SPEC_VERSION,
      expires: expiresIn(options, 'snapshot'),
      meta: { 'targets.json': metaOf(versions.targets, targets) },
    }),
    keysOf(keys, 'snapshot').signers,
  );
  const timestamp = write(
    new Timestamp({
      version: versions.timestamp,
      specVersion: SPEC_VERSION,
      expires: expiresIn(options, 'timestamp'),
      snapshotMeta: metaOf(versions.snapshot, snapshot),
    }),
    keysOf(keys, 'timestamp').signers,
  );
  return { targets, snapshot, timestamp };
}

function metaOf(version: number, bytes: Uint8Array): MetaFile {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return new MetaFile({ version, length: bytes.length, hashes: { sha256 } });
}

function write(
  signed: Root | Targets | Snapshot | Timestamp,
  signers: readonly Signer[],
): Uint8Array {
  const metadata = new Metadata(signed);
  for (const signer of signers) metadata.sign((data) => tufSignature(signer, data));
  return new TextEncoder().encode(JSON.stringify(metadata.toJSON()));
}

function expiresIn(
  { now = new Date(), expiry = SERVER_EXPIRY }: SigningOptions,
  role: keyof Expiry,
) {
  return isoSeconds(new Date(now.getTime() + expiry[role] * DAY_MS));
}

/** As TUF writes times: UTC without fractions (§4.2.1). */
export const isoSeconds = (time: Date): string => time.toISOString().replace(/\.\d{3}Z$/, 'Z');

/** Opens our own metadata, which is damaged if it does not read. */
function open(role: RoleName, bytes: Uint8Array): SignedDocument {
  const document = readDocument(bytes);
  if (document.ok) return document.value;
  throw new FlotillaError('trust.rejected', { role, reason: document.reason });
}

function readCurrent({ targets }: Pick<TufMetadata, 'targets'>) {
  const content = readTargets(open('targets', targets), {});
  if (content.ok) return content.value;
  throw new FlotillaError('trust.rejected', { role: 'targets', reason: content.reason });
}
