import { describe, expect, it } from 'vitest';
import { createSigner, generateKeyPair, type Signer } from '../node/keys.ts';
import { createRepository, rotateKeys } from '../node/repository.ts';
import { signDirector, signHalt } from '../node/signing.ts';
import { checkInstall, directorVersion, verifyDirector, verifyHalt } from './director.ts';
import { type TrustedState, trustRoot } from './metadata.ts';
import { webCryptoVerifier } from './verifier.ts';

const NOW = new Date('2026-11-20T12:00:00Z');
const PATH = 'parts/1/x86-64/int8';
const DIGEST = `sha256:${'a'.repeat(64)}`;
const DEVICE = { fleet: 'lyon', device: '01aryz6s41tsv4rrffq69g5fav' };
const signer = createSigner(generateKeyPair());
const TRUSTED = trustOf(signer);

function trustOf(key: Signer): TrustedState {
  return trustRoot(createRepository(key, { fleet: 'lyon', now: NOW }).root[0] ?? '');
}

const targets = new Map([[PATH, { length: 700, digest: DIGEST }]]);
const fields = { ...DEVICE, generation: 1, revision: 4, targets, now: NOW };
const document = signDirector(fields, signer);

const verify = (bytes: Uint8Array, trusted = TRUSTED, now = NOW, device = DEVICE) =>
  verifyDirector(trusted, bytes, device, now, webCryptoVerifier);
const reason = async (verdict: ReturnType<typeof verify>) => {
  const answer = await verdict;
  return answer.ok ? 'accepted' : answer.reason;
};

describe('what the director says', () => {
  it('names the bundles of one device', async () => {
    expect(await verify(document)).toEqual({
      ok: true,
      version: directorVersion(1, 4),
      generation: 1,
      revision: 4,
      expires: new Date('2026-12-20T12:00:00Z'),
      targets,
    });
  });

  it('is refused by another device, or in another fleet', async () => {
    const other = { ...DEVICE, device: '01aryz6s41tsv4rrffq69g5faw' };
    expect(await reason(verify(document, TRUSTED, NOW, other))).toBe('it is for another device');
    const fleet = { ...DEVICE, fleet: 'nice' };
    expect(await reason(verify(document, TRUSTED, NOW, fleet))).toBe('it is for another device');
  });

  it('is taken again, but not after a newer one; a new generation is newer', async () => {
    const at = (generation: number, revision: number) => ({
      ...TRUSTED,
      directorVersion: directorVersion(generation, revision),
    });
    expect(await reason(verify(document, at(1, 4)))).toBe('accepted');
    expect(await reason(verify(document, at(1, 3)))).toBe('accepted');
    expect(await reason(verify(document, at(1, 5)))).toBe('1.4 is older than 1.5, taken before');
    expect(await reason(verify(document, at(2, 0)))).toBe('1.4 is older than 2.0, taken before');
    expect(await reason(verify(document, at(0, 2 ** 32 - 1)))).toBe('accepted');
  });

  it('expires', async () => {
    const late = new Date('2026-12-20T12:00:00Z');
    expect(await reason(verify(document, TRUSTED, late))).toMatch(/^it expired on 2026-12-20/);
    const never = new Date(Number.NaN);
    expect(await reason(verify(document, TRUSTED, never))).toMatch(/^it expired on 2026-12-20/);
  });

  it('counts only with the keys that root gives the director', async () => {
    const stranger = createSigner(generateKeyPair());
    expect(await reason(verify(signDirector(fields, stranger)))).toBe(
      '0 of 1 needed signatures are valid',
    );
    const old = createRepository(signer, { fleet: 'lyon', now: NOW });
    const rotated = rotateKeys(old, signer, stranger, { now: NOW });
    const trusted = trustRoot(rotated.root.at(-1) ?? '');
    expect(await reason(verify(document, trusted))).toBe('0 of 1 needed signatures are valid');
    expect(await reason(verify(signDirector(fields, stranger), trusted))).toBe('accepted');
  });

  it('is refused when its content was changed', async () => {
    const text = new TextDecoder().decode(document);
    const changed = new TextEncoder().encode(text.replace('"revision":4', '"revision":5'));
    expect(await reason(verify(changed))).toBe('0 of 1 needed signatures are valid');
  });

  it('is not a halt, and no other signed file', async () => {
    const halt = signHalt({ fleet: 'lyon', generation: 1, counter: 1, halted: true }, signer);
    expect(await reason(verify(halt))).toBe('it is of type halt');
    const { timestamp } = createRepository(signer, { fleet: 'lyon', now: NOW });
    expect(await reason(verify(timestamp))).toBe('it is of type timestamp');
    expect(await reason(verify(new Uint8Array()))).toMatch(/^not JSON/);
  });
});

describe('a halt', () => {
  const halt = signHalt(
    { fleet: 'lyon', generation: 1, counter: 2, halted: true, now: NOW },
    signer,
  );
  const check = (bytes: Uint8Array, fleet = 'lyon') =>
    verifyHalt(TRUSTED, bytes, { fleet }, NOW, webCryptoVerifier);

  it('is for a whole fleet', async () => {
    expect(await check(halt)).toEqual({ ok: true, generation: 1, counter: 2, halted: true });
    expect(await check(halt, 'nice')).toEqual({ ok: false, reason: 'it is for another fleet' });
  });

  it('is not what the director says of a device', async () => {
    expect(await check(document)).toEqual({ ok: false, reason: 'it is of type director' });
  });
});

describe('installing', () => {
  const may = { length: 700, digest: DIGEST, epoch: 2, minimumEpoch: 2 };
  const shall = { length: 700, digest: DIGEST };
  const other = `sha256:${'b'.repeat(64)}`;
  const install = (repository = may, director = shall, digest = DIGEST) =>
    checkInstall(PATH, digest, new Map([[PATH, repository]]), new Map([[PATH, director]]));

  it('takes what repository and director both say', () => {
    expect(install()).toEqual({ ok: true });
    expect(install({ ...may, epoch: 3 })).toEqual({ ok: true });
  });

  it.each([
    ['in the repository alone', checkInstall(PATH, DIGEST, new Map([[PATH, may]]), new Map())],
    ['in the director alone', checkInstall(PATH, DIGEST, new Map(), new Map([[PATH, shall]]))],
    ['other bytes', install(may, shall, other)],
    ['other bytes for the repository', install({ ...may, digest: other })],
    ['other bytes for the director', install(may, { ...shall, digest: other })],
    ['two lengths', install(may, { ...shall, length: 1 })],
    ['an epoch below what is demanded', install({ ...may, epoch: 1 })],
  ])('refuses %s', (_what, verdict) => {
    expect(verdict).toMatchObject({ ok: false, reason: expect.stringMatching(`^${PATH} `) });
  });

  it('takes an older version of the same epoch: a deliberate roll-back', () => {
    const older = 'parts/0/x86-64/int8';
    const verdict = checkInstall(older, DIGEST, new Map([[older, may]]), new Map([[older, shall]]));
    expect(verdict).toEqual({ ok: true });
  });
});
