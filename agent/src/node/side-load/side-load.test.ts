import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lockFolder } from '../folder-lock.ts';
import { createLogger } from '../logger.ts';
import { openBundleSource } from './bundle-source.ts';
import { followLoading } from './follow.ts';
import { loadFile } from './load.ts';
import { bearer, isAllowed, makeLocalToken, readLocalToken } from './local-token.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-node-side-load-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the local token', () => {
  test('is new at each start, and for the eyes of its owner only', async () => {
    expect(await readLocalToken(folder)).toBeUndefined();
    const first = await makeLocalToken(folder, createLogger('silent'));
    const second = await makeLocalToken(folder, createLogger('silent'));
    expect(second).not.toBe(first);
    expect(await readLocalToken(folder)).toBe(second);
    expect((await stat(join(folder, 'local-token'))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(folder, 'local-token'), 'utf8')).toMatch(/^[0-9a-f]{64}$/);
  });

  test('opens, and nothing else does', () => {
    expect(isAllowed(bearer('abc'), 'abc')).toBe(true);
    for (const wrong of [undefined, '', 'abc', 'Bearer abd', 'Bearer abcd', 'Bearer ']) {
      expect(isAllowed(wrong, 'abc')).toBe(false);
    }
  });
});

describe('a bundle source', () => {
  test('reads a file to its end, and says how far it is', async () => {
    const file = join(folder, 'a.flotilla');
    await writeFile(file, Buffer.alloc(2_500_000, 7));
    const source = await openBundleSource(file);
    const told: number[] = [];
    const chunks = await Array.fromAsync(source.chunks((done) => told.push(done)));
    await source.close();
    expect(source.size).toBe(2_500_000);
    expect(Buffer.concat(chunks)).toEqual(Buffer.alloc(2_500_000, 7));
    expect(told).toEqual([1 << 20, 2 << 20, 2_500_000]);
  });

  test('names what is not there, and what is no file', async () => {
    for (const path of [join(folder, 'none'), folder]) {
      await expect(openBundleSource(path)).rejects.toMatchObject({
        code: 'load.unreadable',
        context: { file: path },
      });
    }
  });
});

describe('a bundle that is refused', () => {
  const load = (data: string) =>
    loadFile({
      file: join(folder, 'garbage.flotilla'),
      slot: undefined,
      watchMs: 0,
      agent: { data, ortLibrary: 'none' },
      onProgress: () => undefined,
    });

  test('leaves no data folder behind, and one that was there as it was', async () => {
    await writeFile(join(folder, 'garbage.flotilla'), 'this is no bundle');
    const data = join(folder, 'new');
    await expect(load(data)).rejects.toMatchObject({ code: 'bundle.invalid' });
    await expect(stat(data)).rejects.toMatchObject({ code: 'ENOENT' });
    await mkdir(data);
    await writeFile(join(data, 'notes.txt'), 'mine');
    await expect(load(data)).rejects.toMatchObject({ code: 'bundle.invalid' });
    expect(await readFile(join(data, 'notes.txt'), 'utf8')).toBe('mine');
  });

  test('leaves the data folder to an agent that made it at the same time', async () => {
    await writeFile(join(folder, 'garbage.flotilla'), 'this is no bundle');
    const data = join(folder, 'held');
    await mkdir(data);
    const unlock = await lockFolder(data, 'agent');
    await rm(data, { recursive: true });
    await expect(load(data)).rejects.toMatchObject({ code: 'agent.in-use' });
    expect((await stat(data)).isDirectory()).toBe(true);
    await unlock?.();
  });
});

describe('following a load', () => {
  const loading = {
    deployment: 'd',
    slot: 'parts',
    model: 'parts',
    version: 2,
    target: 'x86-64',
    precision: 'int8',
    digest: '',
    signedBy: '',
  };

  test('tells each step, and ends with the commit', async () => {
    const steps = ['verify', 'selfTest', 'commit'];
    const seen: string[] = [];
    const attempt = await followLoading(
      loading,
      async () => {
        const step = steps.shift();
        const result = step === undefined ? 'RESULT_COMMITTED' : 'RESULT_IN_PROGRESS';
        return [
          { deployment: 'other', result: 'RESULT_FAILED' },
          { deployment: 'd', result, step },
        ];
      },
      (step) => seen.push(step),
    );
    expect(seen).toEqual(['verify', 'selfTest', 'commit']);
    expect(attempt.result).toBe('RESULT_COMMITTED');
  });

  test.each([
    [
      [{ deployment: 'd', result: 'RESULT_FAILED' as const, step: 'selfTest', detail: 'off' }],
      /off/,
    ],
    [[], /something else was asked for meanwhile/],
  ])('fails with the reason: %j', async (attempts, reason) => {
    const following = followLoading(
      loading,
      async () => attempts,
      () => undefined,
    );
    await expect(following).rejects.toThrow(reason);
  });
});
