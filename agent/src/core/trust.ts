import {
  checkInstall,
  type DirectorTarget,
  FlotillaError,
  type Halt,
  MAX_METADATA_BYTES,
  type RepositoryTarget,
  type TufMetadata,
  type Verifier,
  verifyDirector,
  verifyHalt,
  verifyMetadata,
} from '@flotilla/protocol';
import type { Identity } from './identity.ts';
import type { Journal } from './journal.ts';
import type { Clock, Fetcher } from './ports.ts';
import { type HaltState, mutable, type WantedDeployment } from './state.ts';

/** Largest root that is read, many of which are held at once: 32 keys and signatures take 20 KB. */
const MAX_ROOT_BYTES = 1 << 16;
const METADATA_TRIES = 3;
const METADATA_PAUSE_MS = 300;
/** Roots fetched in one go; the next attempt takes the rest. */
const MAX_ROOTS = 32;

export interface TrustPorts {
  readonly identity: Identity;
  readonly journal: Journal;
  readonly fetcher: Fetcher;
  readonly clock: Clock;
  readonly verifier: Verifier;
  authorize(): Promise<Readonly<Record<string, string>>>;
}

/**
 * Lets a bundle in only if the repository's signed metadata says that it may exist and the signed
 * director document says that this device gets it. What was learned is stored before it is used.
 *
 * @returns the manifest's length in bytes
 * @throws FlotillaError `trust.rejected`, or why the metadata could not be fetched
 */
export async function authorizeInstall(
  ports: TrustPorts,
  deployment: WantedDeployment,
  signal: AbortSignal,
): Promise<number> {
  const repository = await openRepository(ports, signal);
  const director = await openDirector(ports);
  const check = checkInstall(deployment.targetPath, deployment.digest, repository, director);
  if (!check.ok) throw rejected('director', check.reason);
  return director.get(deployment.targetPath)?.length ?? 0;
}

/** The server may sign anew between two of our requests: then the files do not fit together. */
async function openRepository(
  ports: TrustPorts,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, RepositoryTarget>> {
  const { journal, verifier, clock } = ports;
  for (let left = METADATA_TRIES - 1; ; left--) {
    const metadata = await fetchMetadata(ports, signal);
    const now = new Date(clock.now());
    const verdict = await verifyMetadata(journal.state.trusted, metadata, now, verifier);
    await journal.update((draft) => {
      draft.trusted = mutable(verdict.state);
    });
    if (verdict.ok) return verdict.targets;
    if (left === 0) throw rejected(verdict.role, verdict.reason);
    await clock.sleep(METADATA_PAUSE_MS, signal);
  }
}

async function openDirector(ports: TrustPorts): Promise<ReadonlyMap<string, DirectorTarget>> {
  const { journal, identity, clock, verifier } = ports;
  const verdict = await verifyDirector(
    journal.state.trusted,
    new TextEncoder().encode(journal.state.wanted.director),
    identity,
    new Date(clock.now()),
    verifier,
  );
  if (!verdict.ok) throw rejected('director', verdict.reason);
  await journal.update((draft) => {
    draft.trusted.directorVersion = verdict.version;
  });
  return verdict.targets;
}

/**
 * The halt that a signed message speaks of, where it is newer than the one in force.
 *
 * @throws FlotillaError `trust.rejected`
 */
export async function openHalt(
  { journal, identity, clock, verifier }: Omit<TrustPorts, 'fetcher' | 'authorize'>,
  message: Halt,
): Promise<HaltState | undefined> {
  const { trusted, halt } = journal.state;
  const now = new Date(clock.now());
  const verdict = await verifyHalt(trusted, message.signed, identity, now, verifier);
  if (!verdict.ok) throw rejected('halt', verdict.reason);
  const { generation, counter, halted } = verdict;
  const newer = generation - halt.generation || counter - halt.counter;
  return newer > 0 ? { generation, counter, halted } : undefined;
}

async function fetchMetadata(ports: TrustPorts, signal: AbortSignal): Promise<TufMetadata> {
  const file = (name: string, limit: number) => fetchSmall(ports, name, limit, signal);
  const root: Uint8Array[] = [];
  const known = rootVersion(ports.journal.state.trusted.root);
  while (root.length < MAX_ROOTS) {
    const next = await file(`${known + root.length + 1}.root.json`, MAX_ROOT_BYTES);
    if (next === undefined) break;
    root.push(next);
  }
  const [timestamp, snapshot, targets] = await Promise.all(
    ['timestamp', 'snapshot', 'targets'].map(async (role) => {
      const bytes = await file(`${role}.json`, MAX_METADATA_BYTES);
      if (bytes === undefined) throw rejected(role, 'the server has none');
      return bytes;
    }),
  );
  if (!timestamp || !snapshot || !targets) throw rejected('timestamp', 'the server has none');
  return { root, timestamp, snapshot, targets };
}

/** A metadata file, or undefined where the server has none of that name. */
async function fetchSmall(
  { fetcher, identity, authorize }: TrustPorts,
  name: string,
  limit: number,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const url = `${identity.api}/api/1/fleets/${identity.fleet}/tuf/${name}`;
  const response = await fetcher.get(url, { headers: await authorize(), signal });
  const body = await readBody(response.body, limit, url);
  if (response.status === 200) return body;
  if (response.status === 404) return undefined;
  throw new FlotillaError('download.failed', { url, reason: `answered ${response.status}` });
}

/** A whole body in memory, of bounded size. */
export async function readBody(
  body: AsyncIterable<Uint8Array>,
  limit: number,
  url: string,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) {
      throw new FlotillaError('download.failed', { url, reason: `more than ${limit} bytes` });
    }
    chunks.push(chunk);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function rootVersion(root: string): number {
  try {
    const version = (JSON.parse(root) as { signed?: { version?: unknown } }).signed?.version;
    return typeof version === 'number' ? version : 0;
  } catch {
    return 0;
  }
}

const rejected = (role: string, reason: string) =>
  new FlotillaError('trust.rejected', { role, reason });
