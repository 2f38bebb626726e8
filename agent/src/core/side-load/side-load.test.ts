import { createSigner, generateKeyPair } from '@flotilla/protocol/node';
import { describe, expect, test, vi } from 'vitest';
import { bundleFile } from '../../testing/bundle-files.ts';
import { createPowerCutStorage, type PowerCutStorage } from '../../testing/power-cut-storage.ts';
import {
  alone,
  ending,
  fast,
  file,
  request,
  served,
  serves,
  signer,
} from '../../testing/side-load-bed.ts';
import { createSmallDisk } from '../../testing/small-disk.ts';
import { makeToyBundle } from '../../testing/toy-model.ts';
import { addAnchor, readAnchors, removeAnchor } from './anchors.ts';

describe('loading by hand, without a fleet', () => {
  test('verifies, tests, activates and commits, and outlasts a restart', async () => {
    const storage = createPowerCutStorage();
    const agent = await alone(storage);
    const loading = await agent.load(request(await file({ version: 3 })));
    expect(loading).toMatchObject({ slot: 'parts', version: 3, signedBy: 'me' });
    await serves(agent, 3);
    expect(agent.status()).toMatchObject({
      fleet: '',
      online: false,
      slots: [{ slot: 'parts', local: true }],
    });
    await agent.stop();
    const again = await alone(storage.restart('nothing'));
    expect(await served(again)).toBe(3);
    await again.stop();
  });

  test('puts one model into several slots, and takes one out again', async () => {
    const agent = await alone();
    await agent.load(request(await file({ version: 1 })));
    await agent.load(request(await file({ version: 2 }), { slot: 'parts-next' }));
    await vi.waitFor(() => expect(agent.slots).toEqual(['parts', 'parts-next']), fast);
    expect(await served(agent, 'parts-next')).toBe(2);
    await agent.unload('parts');
    await vi.waitFor(() => expect(agent.slots).toEqual(['parts-next']), fast);
    await expect(agent.unload('parts')).rejects.toMatchObject({ code: 'load.none' });
    await expect(
      agent.load(request(await file({ version: 2 }), { slot: '_agent' })),
    ).rejects.toMatchObject({ code: 'name.invalid' });
    await agent.stop();
  });

  test('takes the same bundle for the same, however often it is loaded', async () => {
    const agent = await alone();
    const bytes = await file({ version: 1 });
    const first = await agent.load(request(bytes));
    await serves(agent, 1);
    expect((await agent.load(request(bytes))).deployment).toBe(first.deployment);
    await agent.stop();
  });

  test.each([
    ['wrong-output', 'deployment.self-test-failed'],
    ['crash-on-load', 'internal.unexpected'],
  ] as const)('keeps the old model where the new one does %s', async (fault, code) => {
    const agent = await alone();
    await agent.load(request(await file({ version: 1 })));
    await serves(agent, 1);
    const loading = await agent.load(request(await file({ version: 2, fault })));
    expect(await ending(agent, loading)).toMatchObject({ result: 'RESULT_FAILED', code });
    await serves(agent, 1);
    expect(agent.status().slots[0]?.local).toBe(true);
    await agent.unload('parts');
    await vi.waitFor(() => expect(agent.slots).toEqual([]), fast);
    await agent.stop();
  });
});

describe('a bundle that may not be loaded', () => {
  const refused = async (bytes: Uint8Array, code: string, storage = createPowerCutStorage()) => {
    const agent = await alone(storage);
    const loading = agent.load(request(bytes));
    await expect(loading).rejects.toMatchObject({ code });
    await vi.waitFor(async () => expect(await storage.list('blobs')).toEqual([]), fast);
    expect(agent.status().slots).toEqual([]);
    await agent.stop();
  };

  test('is of an unknown key, and the error says how to trust it', async () => {
    const stranger = createSigner(generateKeyPair());
    const bytes = await file({ version: 1 }, stranger);
    await refused(bytes, 'trust.unknown-key');
    const storage = createPowerCutStorage();
    const agent = await alone(storage);
    const loading = agent.load(request(bytes));
    await expect(loading).rejects.toThrow(
      `signed by key ${stranger.keyId.slice(0, 16)}, which this device does not trust`,
    );
    // a key that is added while the agent runs counts at once, as does one that is removed
    await addAnchor(storage, stranger, '', 1);
    await agent.load(request(bytes));
    await removeAnchor(storage, stranger.keyId.slice(0, 8));
    expect((await readAnchors(storage)).map(({ name }) => name)).toEqual(['me']);
    await expect(agent.load(request(bytes))).rejects.toMatchObject({ code: 'trust.unknown-key' });
    await expect(removeAnchor(storage, signer.keyId.slice(0, 7))).rejects.toMatchObject({
      code: 'trust.no-such-key',
    });
    await agent.stop();
  });

  test('is cut off or altered anywhere', async () => {
    const bytes = await file({ version: 1 });
    for (const at of [0, 600, 5000, bytes.length / 2, bytes.length - 1500].map(Math.floor)) {
      await refused(bytes.subarray(0, at), 'bundle.invalid');
    }
    const altered = bytes.slice();
    const at = Buffer.from(bytes).indexOf('"version":1', bytes.length - 8000);
    altered[at + 10] = 0x32;
    await refused(altered, 'bundle.digest-mismatch');
  });

  test('comes from a stick that is pulled', async () => {
    const bytes = await file({ version: 1 });
    async function* pulled() {
      yield bytes.subarray(0, bytes.length - 4000);
      throw new Error('EIO');
    }
    const storage = createPowerCutStorage();
    const agent = await alone(storage);
    await expect(agent.load(request(bytes, { source: pulled() }))).rejects.toThrow('EIO');
    await vi.waitFor(async () => expect(await storage.list('blobs')).toEqual([]), fast);
    await agent.stop();
  });

  test('is signed for longer than it is good', async () => {
    const past = new Date(Date.now() - 400 * 86_400_000);
    await refused(await file({ version: 1 }, signer, { now: past }), 'trust.rejected');
  });

  test('names another bundle than the one that was signed', async () => {
    const [one, two] = [await makeToyBundle({ version: 1 }), await makeToyBundle({ version: 2 })];
    const bytes = await bundleFile({ ...two, targetPath: one.targetPath }, signer);
    await refused(bytes, 'trust.rejected');
  });

  test('is of an older security epoch than what was committed or demanded', async () => {
    const agent = await alone();
    await agent.load(request(await file({ version: 2, epoch: 2 })));
    await serves(agent, 2);
    await expect(agent.load(request(await file({ version: 1, epoch: 1 })))).rejects.toThrow(
      /parts\/1\/.* has security epoch 1, and this device takes none below 2 any more/,
    );
    await agent.load(request(await file({ version: 3, epoch: 2 })));
    await serves(agent, 3);
    await agent.load(
      request(await file({ version: 4, epoch: 4 }, signer, { epochs: { parts: 4 } })),
    );
    await expect(agent.load(request(await file({ version: 3, epoch: 2 })))).rejects.toMatchObject({
      code: 'trust.rejected',
    });
    await agent.stop();
  });

  test('does not raise the epoch where it fails', async () => {
    const agent = await alone();
    const bad = await file({ version: 2, epoch: 9, fault: 'wrong-output' });
    await ending(agent, await agent.load(request(bad)));
    await agent.load(request(await file({ version: 1 })));
    await serves(agent, 1);
    await agent.stop();
  });

  test('does not fit the disk', async () => {
    const storage = createPowerCutStorage();
    const disk = createSmallDisk(storage, ['.', 'blobs', 'outbox']);
    const agent = await alone(disk);
    const bytes = await file({ version: 1 });
    for (const free of [3000, 1e9]) {
      const stated = vi.spyOn(disk, 'free').mockResolvedValue(free);
      disk.capacity = (await disk.used()) + 3000;
      await expect(agent.load(request(bytes))).rejects.toMatchObject({
        code: 'download.disk-full',
      });
      expect(await disk.list('blobs')).toEqual([]);
      disk.capacity = Number.POSITIVE_INFINITY;
      stated.mockRestore();
    }
    await agent.load(request(bytes));
    await serves(agent, 1);
    await agent.stop();
  });
});

describe('a power cut while a bundle is loaded by hand', () => {
  /** The device serves version 1, and the power goes at some operation while version 2 is loaded. */
  async function cutAt(at: number, before: PowerCutStorage, bytes: Uint8Array): Promise<boolean> {
    const storage = before.restart('nothing');
    storage.cutAt(at);
    const agent = await alone(storage).catch(() => undefined);
    const loading = await agent?.load(request(bytes)).catch(() => undefined);
    await vi.waitFor(() => {
      if (loading === undefined || storage.operations >= at) return;
      const attempts = agent?.status().attempts ?? [];
      const found = attempts.find(({ deployment }) => deployment === loading.deployment);
      expect(found?.result).toBe('RESULT_COMMITTED');
    }, fast);
    const isCut = storage.operations >= at;
    storage.cut();
    await agent?.stop().catch(() => undefined);

    const rest = storage.restart(at % 2 === 0 ? 'torn' : 'names');
    const again = await alone(rest);
    expect([1, 2]).toContain(await served(again));
    // the person sees that it did not end, and loads it again
    await again.load(request(bytes));
    await serves(again, 2);
    await vi.waitFor(async () => {
      expect((await rest.list('blobs')).filter((name) => /part|taken/.test(name))).toEqual([]);
    }, fast);
    await again.stop();
    return isCut;
  }

  test('at any operation leads to the old model or the new one', async () => {
    const first = createPowerCutStorage();
    const agent = await alone(first);
    await agent.load(request(await file({ version: 1 })));
    await serves(agent, 1);
    await agent.stop();
    const bytes = await file({ version: 2 });
    let at = 0;
    while (await cutAt(at, first, bytes)) at += 2;
    expect(at).toBeGreaterThan(30);
  });
});
