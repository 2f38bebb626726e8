import {
  anchorRoot,
  type BundleHead,
  FlotillaError,
  type MetadataVerdict,
  type RepositoryTarget,
  rootKeyIds,
  type TrustedState,
  targetPath,
  trustRoot,
  type Verifier,
  verifyMetadata,
} from '@flotilla/protocol';
import type { Journal } from '../journal.ts';
import type { Clock } from '../ports.ts';
import type { Anchor } from './anchors.ts';

export interface AdmitPorts {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly verifier: Verifier;
}

/** A bundle that this device may take from a person. */
export interface Admission {
  readonly path: string;
  /** The fleet, or the id of the key that vouches for it. */
  readonly signedBy: string;
  readonly epoch: number;
  /** Lowest epoch of the model that its metadata still allows. */
  readonly minimumEpoch: number;
  /** What the fleet's trust is from now on, where the bundle is the fleet's. */
  readonly trusted: TrustedState | undefined;
}

/** Who vouches for a bundle, and what they say. */
interface Voucher {
  readonly signedBy: string;
  readonly verdict: MetadataVerdict;
  readonly isFleets: boolean;
}

/**
 * Lets a bundle in that a person brings, if the fleet's root or a key that was added by hand vouches
 * for it: the same workflow as for a server's metadata. The person stands for the director.
 *
 * @param where names the file in errors
 * @throws FlotillaError `trust.unknown-key`, `trust.rejected`
 */
export async function admit(
  ports: AdmitPorts,
  anchors: readonly Anchor[],
  head: BundleHead,
  where: string,
): Promise<Admission> {
  const { signedBy, verdict, isFleets } =
    (await byFleet(ports, head)) ?? (await byKeys(ports, anchors, head)) ?? unknown(head, where);
  if (!verdict.ok) {
    const { role, reason } = verdict;
    throw new FlotillaError('trust.rejected', { role, reason });
  }
  const path = targetPath(head.config);
  const { epoch, minimumEpoch } = checkTarget(ports.journal, path, head, verdict.targets);
  const trusted = isFleets ? verdict.state : undefined;
  return { path, signedBy, epoch, minimumEpoch, trusted };
}

async function byFleet(
  { journal, clock, verifier }: AdmitPorts,
  { metadata }: BundleHead,
): Promise<Voucher | undefined> {
  const { trusted } = journal.state;
  if (trusted.root === '') return undefined;
  const verdict = await verifyMetadata(trusted, metadata, new Date(clock.now()), verifier);
  const isFleets = verdict.ok || holds(metadata.root, verdict.state.root);
  return isFleets ? { signedBy: 'fleet', verdict, isFleets } : undefined;
}

/** Whether a chain of roots has the one that is trusted: then what is wrong is not the signer. */
const holds = (chain: readonly Uint8Array[], root: string): boolean =>
  chain.some((bytes) => new TextDecoder().decode(bytes) === root);

async function byKeys(
  { clock, verifier }: AdmitPorts,
  anchors: readonly Anchor[],
  { metadata }: BundleHead,
): Promise<Voucher | undefined> {
  for (const { publicKey, keyId, name } of anchors) {
    const root = await anchorRoot(metadata.root, publicKey, verifier);
    if (root === undefined) continue;
    const now = new Date(clock.now());
    const verdict = await verifyMetadata(trustRoot(root), metadata, now, verifier);
    return { signedBy: name || keyId.slice(0, 16), verdict, isFleets: false };
  }
  return undefined;
}

function unknown({ metadata }: BundleHead, where: string): never {
  const [key = 'none'] = rootKeyIds(metadata.root);
  throw new FlotillaError('trust.unknown-key', { where, key: key.slice(0, 16) });
}

/** The signed targets name this very bundle, and its epoch is not below what was seen before. */
function checkTarget(
  { state }: Journal,
  path: string,
  { digest, manifestBytes, config }: BundleHead,
  targets: ReadonlyMap<string, RepositoryTarget>,
): RepositoryTarget {
  const refuse = (reason: string): never => {
    throw new FlotillaError('trust.rejected', { role: 'targets', reason: `${path} ${reason}` });
  };
  const target = targets.get(path);
  if (target === undefined) return refuse('is not among what was signed');
  if (target.digest !== digest || target.length !== manifestBytes.length) {
    return refuse('is another bundle in what was signed');
  }
  const floor = Math.max(
    target.minimumEpoch,
    state.localEpochs?.[config.model] ?? 0,
    state.trusted.epochs?.[config.model] ?? 0,
  );
  if (target.epoch < floor) {
    return refuse(
      `has security epoch ${target.epoch}, and this device takes none below ${floor} any more`,
    );
  }
  return target;
}
