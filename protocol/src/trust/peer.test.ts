import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { Updater } from 'tuf-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSigner, generateKeyPair, type Signer } from '../node/keys.ts';
import { createRepository, rotateKeys, signTargets } from '../node/repository.ts';
import { type TufMetadata, trustRoot } from './metadata.ts';
import { webCryptoVerifier } from './verifier.ts';
import { verifyMetadata } from './verify.ts';

/** tuf-js reads the system's clock, so this suite does too. */
const PATH = 'parts/1/x86-64/int8';
const newSigner = () => createSigner(generateKeyPair());

function makeRepository(signer: Signer, next: Signer): TufMetadata {
  const target = { length: 700, digest: `sha256:${'a'.repeat(64)}`, epoch: 3 };
  const options = { fleet: 'lyon', epochs: { parts: 2 } };
  const empty = createRepository(signer, options);
  return rotateKeys(signTargets(empty, new Map([[PATH, target]]), signer, options), signer, next);
}

/** Serves one repository at a time, as the fleet server does, and lets tuf-js update from it. */
interface Peer {
  readonly server: Server;
  readonly folder: string;
  /** The target's SHA-256, or why tuf-js refused. */
  update(repository: TufMetadata): Promise<string>;
}

async function startPeer(): Promise<Peer> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-peer-'));
  let files = new Map<string, Uint8Array>();
  const server = createServer((request, response) => {
    const body = files.get(request.url ?? '');
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  let clients = 0;
  const update = async (repository: TufMetadata) => {
    const { root, timestamp, snapshot, targets } = repository;
    files = new Map([
      ...root.map((bytes, i) => [`/${i + 1}.root.json`, bytes] as const),
      ['/timestamp.json', timestamp],
      ['/snapshot.json', snapshot],
      ['/targets.json', targets],
    ]);
    const metadataDir = await mkdtemp(join(folder, `${clients++}-`));
    await writeFile(join(metadataDir, 'root.json'), root[0] ?? '');
    try {
      const metadataBaseUrl = `http://127.0.0.1:${port}`;
      const updater = new Updater({ metadataDir, metadataBaseUrl, config: { fetchRetry: 0 } });
      await updater.refresh();
      return (await updater.getTargetInfo(PATH))?.hashes.sha256 ?? 'no such target';
    } catch (error) {
      return `refused: ${error}`;
    }
  };
  return { server, folder, update };
}

let peer: Peer;
beforeAll(async () => {
  peer = await startPeer();
});
afterAll(async () => {
  peer.server.closeAllConnections();
  await new Promise((resolve) => peer.server.close(resolve));
  await rm(peer.folder, { recursive: true });
});

async function ours(repository: TufMetadata): Promise<boolean> {
  const trusted = trustRoot(repository.root[0] ?? '');
  return (await verifyMetadata(trusted, repository, new Date(), webCryptoVerifier)).ok;
}

type Name = 'root' | 'timestamp' | 'snapshot' | 'targets';

function replace(repository: TufMetadata, name: Name, bytes: Uint8Array): TufMetadata {
  if (name !== 'root') return { ...repository, [name]: bytes };
  return { ...repository, root: [...repository.root.slice(0, -1), bytes] };
}

const newest = (repository: TufMetadata, name: Name): Uint8Array =>
  name === 'root' ? (repository.root.at(-1) ?? new Uint8Array()) : repository[name];

interface Loose {
  signatures: { keyid: string; sig: string }[];
  signed: Record<string, unknown> & { version: number; expires: string };
}

/** Lies that a file may tell after it was signed. */
const signed = (change: (signed: Loose['signed']) => object) => (file: Loose) => ({
  ...file,
  signed: { ...file.signed, ...change(file.signed) },
});
const signatures = (change: Partial<Loose['signatures'][number]>) => (file: Loose) => ({
  ...file,
  signatures: file.signatures.map((signature) => ({ ...signature, ...change })),
});
const LIES: [string, (file: Loose) => Loose][] = [
  ['a later expiry', signed(() => ({ expires: '2199-01-01T00:00:00Z' }))],
  ['a higher version', signed(({ version }) => ({ version: version + 1 }))],
  ['another type', signed(() => ({ _type: 'mirrors' }))],
  ['a further field', signed(() => ({ further: 1 }))],
  ['no signatures', (file) => ({ ...file, signatures: [] })],
  ['a signature of zeros', signatures({ sig: '00'.repeat(64) })],
  ['an unknown key id', signatures({ keyid: 'f'.repeat(64) })],
];

describe('tuf-js as peer', () => {
  const repository = makeRepository(newSigner(), newSigner());

  it('accepts what our signer writes, through a rotation of keys', async () => {
    expect(await peer.update(repository)).toBe('a'.repeat(64));
    expect(await ours(repository)).toBe(true);
  });

  const cases = (['root', 'timestamp', 'snapshot', 'targets'] as const).flatMap((name) =>
    LIES.map(([lie, tell]) => ({ name, lie, tell })),
  );
  it.each(cases)('refuses $name with $lie, as we do', async ({ name, tell }) => {
    const file = JSON.parse(new TextDecoder().decode(newest(repository, name))) as Loose;
    const bytes = new TextEncoder().encode(JSON.stringify(tell(file)));
    const mutated = replace(repository, name, bytes);
    expect(await peer.update(mutated)).toMatch(/^refused: /);
    expect(await ours(mutated)).toBe(false);
  });

  it('agrees with us on files of which one byte was changed', async () => {
    const names = fc.constantFrom<Name>('root', 'timestamp', 'snapshot', 'targets');
    const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    await fc.assert(
      fc.asyncProperty(names, place, fc.integer({ min: 1, max: 255 }), async (name, at, flip) => {
        const bytes = newest(repository, name).slice();
        const index = Math.floor(at * bytes.length);
        bytes[index] = (bytes[index] ?? 0) ^ flip;
        const mutated = replace(repository, name, bytes);
        const theirs = await peer.update(mutated);
        expect(await ours(mutated)).toBe(!theirs.startsWith('refused'));
      }),
      { numRuns: 100 },
    );
  });
});
