import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trustRoot, verifyDirector, verifyMetadata, webCryptoVerifier } from '@flotilla/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CutMode, PowerCut, PowerCutDisk } from '../../../test/support/power-cut.ts';
import { type OpenDatabase, openDatabase } from '../db/open.ts';
import { nodeFileSystem } from '../registry/file-system.ts';
import { audit, checkChain, findBreak } from './audit.ts';
import { openSigner } from './keys.ts';
import { createTrust, type Trust } from './trust.ts';

const DAY_MS = 86_400_000;
const START = Date.parse('2026-11-01T00:00:00Z');
const digest = `sha256:${'ab'.repeat(32)}`;

let folder: string;
let database: OpenDatabase;
let trust: Trust;
let clock = START;
const now = () => clock;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-trust-'));
  database = await openDatabase({ kind: 'sqlite', file: join(folder, 'fleet.db') });
  trust = createTrust({
    ...database,
    signer: await openSigner(join(folder, 'keys'), nodeFileSystem),
    now,
  });
});
afterAll(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});

async function verified(fleet: string) {
  const [root = new Uint8Array()] = await trust.roots(fleet);
  const metadata = await trust.metadata(fleet);
  const verdict = await verifyMetadata(
    trustRoot(root),
    metadata!,
    new Date(clock),
    webCryptoVerifier,
  );
  if (!verdict.ok) throw new Error(verdict.reason);
  return verdict;
}

const addVariant = (fleet: string) =>
  database.db
    .insertInto('variants')
    .values({
      fleet,
      model: 'parts',
      version: 1,
      target: 'x86-64',
      precision: 'int8',
      digest,
      manifest_bytes: 321,
      bytes: 1000,
      memory_bytes: 0,
      opset: 13,
      target_path: 'parts/1/x86-64/int8',
      epoch: 0,
      within_budget: 1,
      report: '{}',
      created_ms: clock,
    })
    .execute();

const create = (fleet: string) =>
  database.db.transaction().execute((trx) => trust.createRepository(trx, fleet));

describe('trust', () => {
  it('signs variants so that a device which knows the root accepts them', async () => {
    await create('lyon');
    await create('lyon');
    await addVariant('lyon');
    await database.db.transaction().execute((trx) => trust.publishTargets(trx, 'lyon'));
    const { targets } = await verified('lyon');
    expect(targets.get('parts/1/x86-64/int8')).toMatchObject({ digest, length: 321 });
  });

  it('signs anew before anything expires, so that devices keep verifying for a year', async () => {
    await create('nice');
    await addVariant('nice');
    await database.db.transaction().execute((trx) => trust.publishTargets(trx, 'nice'));
    for (let tick = 0; clock < START + 360 * DAY_MS; clock += 0.45 * DAY_MS, tick++) {
      await trust.refresh();
      if (tick % 40 === 0) expect((await verified('nice')).targets.size).toBe(1);
    }
    expect((await verified('nice')).targets.size).toBe(1);
  });

  it('does not sign for a fleet that trusts another key', async () => {
    const other = await openSigner(join(folder, 'other-keys'), nodeFileSystem);
    await create('lille');
    const stranger = createTrust({ ...database, signer: other, now });
    await expect(stranger.checkKey()).rejects.toMatchObject({ code: 'server.key-foreign' });
    await trust.checkKey();
  });

  it('signs director documents that hold for their device only', async () => {
    await create('brest');
    const [root = new Uint8Array()] = await trust.roots('brest');
    const path = 'parts/1/x86-64/int8';
    const document = trust.signDirector({
      fleet: 'brest',
      device: '01m0000000000000000000000a',
      generation: 1,
      revision: 4,
      targets: [{ path, digest, length: 321 }],
    });
    const check = (device: string) =>
      verifyDirector(
        trustRoot(root),
        document,
        { fleet: 'brest', device },
        new Date(clock),
        webCryptoVerifier,
      );
    expect(await check('01m0000000000000000000000a')).toMatchObject({ ok: true, revision: 4 });
    expect(await check('01m0000000000000000000000b')).toMatchObject({ ok: false });
  });
});

describe('the key of the server', () => {
  it('is made once, for its owner to read only', async () => {
    const keys = await mkdtemp(join(tmpdir(), 'flotilla-keys-'));
    const first = await openSigner(keys, nodeFileSystem);
    const second = await openSigner(keys, nodeFileSystem);
    expect(second.keyId).toBe(first.keyId);
    const [file = ''] = await readdir(keys);
    expect((await stat(join(keys, file))).mode & 0o777).toBe(0o600);
    const text = await readFile(join(keys, file), 'utf8');
    await writeFile(join(keys, file), text.replace(/[0-9a-f]{8}/, '00000000'));
    await expect(openSigner(keys, nodeFileSystem)).rejects.toMatchObject({ code: 'key.invalid' });
    await rm(keys, { recursive: true });
  });
});

describe.each<CutMode>(['names-lost', 'names-kept'])('a power cut (%s)', (mode) => {
  it('never takes a key away that was used, and never leaves half of one', async () => {
    for (let cut = 0; ; cut++) {
      const disk = new PowerCutDisk();
      disk.cutAfter(cut);
      const used = await openSigner('/data', disk).catch((error) => {
        if (!(error instanceof PowerCut)) throw error;
      });
      disk.restart(mode);
      const again = await openSigner('/data', disk);
      if (used === undefined) continue;
      expect(again.keyId).toBe(used.keyId);
      break;
    }
  });
});

describe('the audit log', () => {
  const rows = () =>
    database.db
      .selectFrom('audit_log')
      .selectAll()
      .where('fleet', '=', 'audited')
      .orderBy('seq')
      .execute();

  it('shows which entry was changed or taken out', async () => {
    for (const subject of ['a', 'b', 'c', 'd']) {
      const entry = { fleet: 'audited', actor: 'server', action: 'test', subject };
      await database.db
        .transaction()
        .execute((trx) => audit({ dialect: database.dialect, now }, trx, entry));
    }
    const whole = await rows();
    expect(findBreak(whole)).toBeUndefined();
    expect(findBreak(whole.filter((row) => row.seq !== 2))).toBe(3);
    expect(findBreak(whole.map((row) => (row.seq === 3 ? { ...row, subject: 'x' } : row)))).toBe(3);
    const head = whole.at(-1)?.hash;
    expect(await checkChain(database.db, 'audited')).toEqual({
      entries: 4,
      head,
      brokenAt: undefined,
    });
    await database.db
      .updateTable('audit_log')
      .set({ actor: 'nobody' })
      .where('fleet', '=', 'audited')
      .where('seq', '=', 2)
      .execute();
    expect(await checkChain(database.db, 'audited')).toMatchObject({ brokenAt: 2 });
  });
});
