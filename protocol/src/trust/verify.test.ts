import { describe, expect, it } from 'vitest';
import { createSigner, generateKeyPair } from '../node/keys.ts';
import {
  createRepository,
  type Keys,
  LOCAL_EXPIRY,
  refreshRepository,
  rotateKeys,
  SERVER_EXPIRY,
  signTargets,
  type TargetEntry,
} from '../node/repository.ts';
import type { TufMetadata } from './metadata.ts';
import { trustRoot } from './metadata.ts';
import { webCryptoVerifier } from './verifier.ts';
import { verifyMetadata } from './verify.ts';

const NOW = new Date('2026-11-20T12:00:00Z');
const DAY_MS = 86_400_000;
const later = (days: number) => new Date(NOW.getTime() + days * DAY_MS);
const newSigner = () => createSigner(generateKeyPair());
const entry = (fill: string, epoch = 0): TargetEntry => ({
  length: 700,
  digest: `sha256:${fill.repeat(64)}`,
  epoch,
});
const PARTS_1 = 'parts/1/x86-64/int8';
const PARTS_2 = 'parts/2/x86-64/int8';

function makeRepository(keys: Keys, now = NOW): TufMetadata {
  const empty = createRepository(keys, { fleet: 'lyon', now });
  return signTargets(empty, new Map([[PARTS_1, entry('a')]]), keys, { now });
}

const first = ({ root }: TufMetadata) => trustRoot(root[0] ?? new Uint8Array());

describe('verifying a repository', () => {
  it('gives the signed targets and the versions to remember', async () => {
    const repository = makeRepository(newSigner());
    const verdict = await verifyMetadata(first(repository), repository, NOW, webCryptoVerifier);
    expect(verdict).toMatchObject({
      ok: true,
      state: { timestampVersion: 2, snapshotVersion: 2, targetsVersion: 2, directorVersion: 0 },
    });
    expect(verdict.ok && verdict.targets.get(PARTS_1)).toEqual({
      length: 700,
      digest: `sha256:${'a'.repeat(64)}`,
      epoch: 0,
      minimumEpoch: 0,
    });
  });

  it('accepts the same metadata again', async () => {
    const repository = makeRepository(newSigner());
    const once = await verifyMetadata(first(repository), repository, NOW, webCryptoVerifier);
    if (!once.ok) throw new Error(once.reason);
    const again = await verifyMetadata(once.state, repository, NOW, webCryptoVerifier);
    expect(again).toEqual(once);
  });

  it('refuses a repository of other keys', async () => {
    const trusted = first(makeRepository(newSigner()));
    const other = makeRepository(newSigner());
    expect(await verifyMetadata(trusted, other, NOW, webCryptoVerifier)).toEqual({
      ok: false,
      role: 'timestamp',
      reason: '0 of 1 needed signatures are valid',
      state: trusted,
    });
  });
});

describe('expiry', () => {
  it.each([
    ['timestamp', SERVER_EXPIRY, 1.01],
    ['root', LOCAL_EXPIRY, 366],
  ])('of %s ends trust', async (role, expiry, days) => {
    const made = createRepository(newSigner(), { fleet: 'lyon', now: NOW, expiry });
    const verdict = await verifyMetadata(first(made), made, later(days), webCryptoVerifier);
    expect(verdict).toMatchObject({ ok: false, role });
    expect(!verdict.ok && verdict.reason).toMatch(/^it expired on 202[67]-11-2/);
  });

  it.each([
    ['snapshot', { timestamp: 90, snapshot: 7, targets: 90, root: 365 }, 8],
    ['targets', { timestamp: 90, snapshot: 90, targets: 7, root: 365 }, 8],
  ])('of %s is judged behind a fresh timestamp', async (role, expiry, days) => {
    const made = createRepository(newSigner(), { fleet: 'lyon', now: NOW, expiry });
    const verdict = await verifyMetadata(first(made), made, later(days), webCryptoVerifier);
    expect(verdict).toMatchObject({ ok: false, role });
  });

  it('is put off when snapshot and timestamp are signed again', async () => {
    const signer = newSigner();
    const old = makeRepository(signer);
    const fresh = refreshRepository(old, signer, { now: later(30) });
    const verdict = await verifyMetadata(first(old), fresh, later(30.5), webCryptoVerifier);
    expect(verdict).toMatchObject({
      ok: true,
      state: { timestampVersion: 3, snapshotVersion: 3, targetsVersion: 2 },
    });
  });
});

describe('a repository that is only kept alive', () => {
  it('stays trusted for years, by devices that were away', async () => {
    const signer = newSigner();
    const start = makeRepository(signer);
    let alive = start;
    for (let day = 1; day <= 800; day++) {
      alive = refreshRepository(alive, signer, { now: later(day) });
    }
    expect(alive.root.length).toBe(5);
    const verdict = await verifyMetadata(first(start), alive, later(800.5), webCryptoVerifier);
    expect(verdict.ok && verdict.targets.has(PARTS_1)).toBe(true);
    expect(verdict).toMatchObject({ ok: true, state: { timestampVersion: 802 } });
  });
});

describe('rollback', () => {
  it('to an older timestamp, snapshot or targets is refused', async () => {
    const signer = newSigner();
    const old = makeRepository(signer);
    const targets = new Map([[PARTS_2, entry('b')]]);
    const newer = signTargets(old, targets, signer, { now: NOW });
    const verdict = await verifyMetadata(first(old), newer, NOW, webCryptoVerifier);
    if (!verdict.ok) throw new Error(verdict.reason);
    const { state } = verdict;
    const roles = async (trusted: typeof state) => {
      const answer = await verifyMetadata(trusted, old, NOW, webCryptoVerifier);
      return answer.ok ? 'accepted' : `${answer.role}: ${answer.reason}`;
    };
    const because = (n: number) => `version 2 is older than ${n}, which was trusted before`;
    expect(await roles(state)).toBe(`timestamp: ${because(3)}`);
    expect(await roles({ ...state, timestampVersion: 0 })).toBe(`snapshot: ${because(3)}`);
    const onlyTargets = { ...state, timestampVersion: 0, snapshotVersion: 0 };
    expect(await roles(onlyTargets)).toBe(`targets: ${because(3)}`);
  });

  it('of one file among newer ones is refused', async () => {
    const signer = newSigner();
    const old = makeRepository(signer);
    const newer = signTargets(old, new Map([[PARTS_2, entry('b')]]), signer, { now: NOW });
    const mixes: [Partial<TufMetadata>, string][] = [
      [{ targets: old.targets }, 'targets'],
      [{ snapshot: old.snapshot }, 'snapshot'],
      [{ timestamp: old.timestamp }, 'snapshot'],
    ];
    for (const [mix, role] of mixes) {
      const mixed = { ...newer, ...mix };
      const verdict = await verifyMetadata(first(old), mixed, NOW, webCryptoVerifier);
      expect(verdict).toMatchObject({ ok: false, role });
    }
  });
});

describe('security epoch', () => {
  it('marks targets below the lowest that their model may have, for good', async () => {
    const signer = newSigner();
    const empty = createRepository(signer, { fleet: 'lyon', now: NOW });
    const targets = new Map([
      [PARTS_1, entry('a', 1)],
      [PARTS_2, entry('b', 2)],
    ]);
    const raised = signTargets(empty, targets, signer, { now: NOW, epochs: { parts: 2 } });
    const verdict = await verifyMetadata(first(raised), raised, NOW, webCryptoVerifier);
    if (!verdict.ok) throw new Error(verdict.reason);
    expect(verdict.targets.get(PARTS_1)).toMatchObject({ epoch: 1, minimumEpoch: 2 });
    expect(verdict.state.epochs).toEqual({ parts: 2 });

    const lowered = signTargets(raised, targets, signer, { now: NOW, epochs: { parts: 0 } });
    const next = await verifyMetadata(verdict.state, lowered, NOW, webCryptoVerifier);
    expect(next.ok && next.targets.get(PARTS_1)?.minimumEpoch).toBe(2);
  });

  it('stays as it was when targets are signed without naming it', async () => {
    const signer = newSigner();
    const empty = createRepository(signer, { fleet: 'lyon', now: NOW });
    const raised = signTargets(empty, new Map(), signer, { now: NOW, epochs: { parts: 2 } });
    const more = signTargets(raised, new Map([[PARTS_1, entry('a')]]), signer, { now: NOW });
    const verdict = await verifyMetadata(first(more), more, NOW, webCryptoVerifier);
    expect(verdict.ok && verdict.targets.get(PARTS_1)?.minimumEpoch).toBe(2);
  });
});

describe('rotation of keys', () => {
  it('is followed through every version of root', async () => {
    const [a, b, c] = [newSigner(), newSigner(), newSigner()];
    const one = makeRepository(a);
    const two = rotateKeys(one, a, b, { now: NOW });
    const three = rotateKeys(two, b, c, { now: NOW });
    const verdict = await verifyMetadata(first(one), three, NOW, webCryptoVerifier);
    expect(verdict.ok && JSON.parse(verdict.state.root).signed.version).toBe(3);
    expect(verdict.ok && verdict.targets.has(PARTS_1)).toBe(true);
  });

  it('is refused with a gap, or without the signature of the old or the new keys', async () => {
    const [a, b, c] = [newSigner(), newSigner(), newSigner()];
    const one = makeRepository(a);
    const two = rotateKeys(one, a, b, { now: NOW });
    const three = rotateKeys(two, b, c, { now: NOW });
    const gap = { ...three, root: three.root.filter((_, i) => i !== 1) };
    const unrelated = rotateKeys(one, c, b, { now: NOW });
    const threshold = (signer: typeof a, needed: number) => ({
      root: { signers: [signer], threshold: needed },
      timestamp: { signers: [signer], threshold: 1 },
      snapshot: { signers: [signer], threshold: 1 },
      targets: { signers: [signer], threshold: 1 },
      director: { signers: [signer], threshold: 1 },
    });
    const weak = rotateKeys(one, a, threshold(b, 2), { now: NOW });
    const reasons = [];
    for (const repository of [gap, unrelated, weak]) {
      const verdict = await verifyMetadata(first(one), repository, NOW, webCryptoVerifier);
      reasons.push(verdict.ok ? 'accepted' : `${verdict.role}: ${verdict.reason}`);
    }
    expect(reasons).toEqual([
      'root: version 3 does not follow 1',
      'root: 0 of 1 needed signatures are valid',
      'root: 1 of 2 needed signatures are valid',
    ]);
  });

  it('frees the versions that a stolen key ran up', async () => {
    const [stolen, fresh] = [newSigner(), newSigner()];
    const one = makeRepository(stolen);
    const trusted = { ...first(one), timestampVersion: 9999, snapshotVersion: 9999 };
    const blocked = await verifyMetadata(trusted, one, NOW, webCryptoVerifier);
    expect(blocked).toMatchObject({ ok: false, role: 'timestamp' });
    const two = rotateKeys(one, stolen, fresh, { now: NOW });
    const verdict = await verifyMetadata(trusted, two, NOW, webCryptoVerifier);
    expect(verdict).toMatchObject({ ok: true, state: { timestampVersion: 3 } });
  });

  it('frees the director and the epochs that a stolen key ran up', async () => {
    const [stolen, fresh] = [newSigner(), newSigner()];
    const one = makeRepository(stolen);
    const trusted = { ...first(one), directorVersion: 9999, epochs: { parts: 9999 } };
    const two = rotateKeys(one, stolen, fresh, { now: NOW });
    const verdict = await verifyMetadata(trusted, two, NOW, webCryptoVerifier);
    expect(verdict).toMatchObject({ ok: true, state: { directorVersion: 0, epochs: {} } });
    expect(verdict.ok && verdict.targets.get(PARTS_1)?.minimumEpoch).toBe(0);
  });

  it('keeps every version where no key was taken away', async () => {
    const signer = newSigner();
    const one = makeRepository(signer);
    const two = rotateKeys(one, signer, signer, { now: NOW });
    const trusted = { ...first(one), directorVersion: 7, epochs: { parts: 3 } };
    const verdict = await verifyMetadata(trusted, two, NOW, webCryptoVerifier);
    expect(verdict).toMatchObject({
      ok: true,
      state: { directorVersion: 7, epochs: { parts: 3 } },
    });
    const behind = await verifyMetadata(
      { ...trusted, timestampVersion: 9999 },
      two,
      NOW,
      webCryptoVerifier,
    );
    expect(behind).toMatchObject({ ok: false, role: 'timestamp' });
  });

  it('counts even where what follows the new root is refused', async () => {
    const [a, b] = [newSigner(), newSigner()];
    const one = makeRepository(a);
    const two = rotateKeys(one, a, b, { now: NOW });
    const withheld = { ...one, root: two.root };
    const verdict = await verifyMetadata(first(one), withheld, NOW, webCryptoVerifier);
    if (verdict.ok) throw new Error('a timestamp of the old key was taken');
    expect(verdict.role).toBe('timestamp');
    expect(JSON.parse(verdict.state.root).signed.version).toBe(2);
    const replayed = await verifyMetadata(verdict.state, one, NOW, webCryptoVerifier);
    expect(replayed).toMatchObject({ ok: false, role: 'timestamp' });
    const whole = await verifyMetadata(verdict.state, two, NOW, webCryptoVerifier);
    expect(whole.ok).toBe(true);
  });
});

describe('threshold', () => {
  it('counts keys that signed, each once', async () => {
    const [a, b] = [newSigner(), newSigner()];
    const role = { signers: [a, b], threshold: 2 };
    const keys = { root: role, timestamp: role, snapshot: role, targets: role, director: role };
    const repository = makeRepository(keys);
    const verdict = await verifyMetadata(first(repository), repository, NOW, webCryptoVerifier);
    expect(verdict.ok).toBe(true);

    const parsed = JSON.parse(new TextDecoder().decode(repository.timestamp));
    const [one] = parsed.signatures;
    const lone = { ...parsed, signatures: [one] };
    const timestamp = new TextEncoder().encode(JSON.stringify(lone));
    const half = { ...repository, timestamp };
    expect(await verifyMetadata(first(repository), half, NOW, webCryptoVerifier)).toMatchObject({
      ok: false,
      role: 'timestamp',
      reason: '1 of 2 needed signatures are valid',
    });
    const twice = new TextEncoder().encode(JSON.stringify({ ...parsed, signatures: [one, one] }));
    const doubled = { ...repository, timestamp: twice };
    expect(await verifyMetadata(first(repository), doubled, NOW, webCryptoVerifier)).toMatchObject({
      ok: false,
      role: 'timestamp',
      reason: 'signatures are malformed',
    });
  });
});
