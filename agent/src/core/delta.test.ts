import { createHash } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { blobsOf, encodeDelta, MEDIA, parseManifest } from '@flotilla/protocol';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { bedFetcher, bedOptions, bedPorts } from '../testing/core-bed.ts';
import { createPowerCutStorage } from '../testing/power-cut-storage.ts';
import { createTestFleet, type TestFleet } from '../testing/test-fleet.ts';
import { makeToyBundle, type ToyBundle } from '../testing/toy-model.ts';
import { type Agent, startAgent } from './agent.ts';
import { openBlobStore } from './blobs.ts';
import type { Fetcher, FetchResponse, Network, Storage } from './ports.ts';

const fast = { interval: 2, timeout: 10_000 };
const WEIGHTS = Array.from({ length: 4000 }, (_, i) =>
  createHash('md5').update(`${i}`).digest('hex'),
).join('');
const HALF = WEIGHTS.length / 2;
const TUNED = `${WEIGHTS.slice(0, HALF)}tuned${WEIGHTS.slice(HALF)}`;

const agents: Agent[] = [];
afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.stop().catch(() => undefined)));
});

const modelOf = (bundle: ToyBundle) => {
  const part = blobsOf(parseManifest(bundle.manifestBytes)).find(
    ({ mediaType }) => mediaType === MEDIA.model,
  );
  const bytes = bundle.blobs.get(part?.digest ?? '');
  if (part === undefined || bytes === undefined) throw new Error('no model');
  return { ...part, bytes };
};

const deltaOf = (from: ToyBundle, to: ToyBundle) =>
  Buffer.concat([
    ...encodeDelta(modelOf(from).bytes, modelOf(to).bytes, (it) => zstdCompressSync(it)),
  ]);

/** A fleet with two versions of a model, and the answers to those who ask for the delta. */
async function openWorld() {
  const fleet = createTestFleet();
  const v1 = await makeToyBundle({ version: 1, weights: WEIGHTS });
  const v2 = await makeToyBundle({ version: 2, weights: TUNED });
  for (const bundle of [v1, v2]) fleet.publishBundle(bundle);
  const world = {
    fleet,
    v1,
    v2,
    storage: createPowerCutStorage(),
    link: { name: 'eth0', metered: false, why: 'it is no modem' } satisfies Network as Network,
    /** Of the delta; undefined: the server has none. */
    delta: deltaOf(v1, v2) as Uint8Array | undefined,
    /** So many next requests for the delta are told to come again. */
    making: 0,
    /** In how many seconds. */
    again: '',
    /** The bytes of the delta are answered 500. */
    broken: false,
    asked: [] as string[],
  };
  return world;
}

type World = Awaited<ReturnType<typeof openWorld>>;

function fetcherOf(world: World): Fetcher {
  const plain = bedFetcher(world.fleet);
  return {
    async get(url, options = {}) {
      world.asked.push(url);
      if (!url.includes('/deltas/')) return plain.get(url, options);
      if (world.making-- > 0) return answer(503, new Uint8Array(), { 'retry-after': world.again });
      if (world.delta === undefined) return answer(404, new Uint8Array(), {});
      const [, first = '0', last = ''] =
        /^bytes=(\d+)-(\d*)$/.exec(options.headers?.range ?? '') ?? [];
      if (world.broken && last !== '0') return answer(500, new Uint8Array(), {});
      const body = world.delta.subarray(Number(first), last === '' ? undefined : Number(last) + 1);
      const digest = `sha256:${createHash('sha256').update(world.delta).digest('hex')}`;
      const range = `bytes ${first}-${Number(first) + body.length - 1}/${world.delta.length}`;
      return answer(206, body, { etag: `"${digest}"`, 'content-range': range });
    },
  };
}

function answer(
  status: number,
  body: Uint8Array,
  headers: Readonly<Record<string, string>>,
): FetchResponse {
  async function* pieces() {
    for (let at = 0; at < body.length; at += 500) yield body.subarray(at, at + 500);
  }
  return { status, over: 'http', header: (name) => headers[name], body: pieces() };
}

async function start(world: World, storage: Storage = world.storage): Promise<Agent> {
  const ports = bedPorts(storage, world.fleet);
  const device = { ...ports.device, network: async () => world.link };
  const agent = await startAgent(
    { ...ports, device, fetcher: fetcherOf(world) },
    bedOptions(world.fleet),
  );
  agents.push(agent);
  return agent;
}

const want = (fleet: TestFleet, bundle: ToyBundle, fields: object = {}) =>
  fleet.want({
    slots: [
      {
        name: 'parts',
        mode: 'MODE_PRESENT',
        active: fleet.deployment(bundle, { watchMs: 3, ...fields }),
      },
    ],
  });

const ended = (fleet: TestFleet, count: number) =>
  vi.waitFor(() => expect(fleet.outcomes()).toHaveLength(count), fast);

/** A device that runs version 1 and is to run version 2. */
async function atVersionTwo(world: World, fields: object = {}): Promise<Agent> {
  want(world.fleet, world.v1);
  const agent = await start(world);
  await ended(world.fleet, 1);
  world.asked.length = 0;
  want(world.fleet, world.v2, fields);
  return agent;
}

const wholeModelAsked = ({ asked, v2 }: World) =>
  asked.some((url) => url.endsWith(`/blobs/${modelOf(v2).digest}`));
const last = ({ fleet }: World) => fleet.outcomes().at(-1);

describe('a download by delta', () => {
  test('gives way to one of the whole where the old bundle is damaged on disk', async () => {
    const world = await openWorld();
    want(world.fleet, world.v1);
    await start(world);
    await ended(world.fleet, 1);
    const { path } = await openBlobStore(world.storage);
    await world.storage.write(path(world.v1.digest), Buffer.from('torn'));
    want(world.fleet, world.v2);
    await ended(world.fleet, 2);
    expect(last(world)).toMatchObject({ result: 'RESULT_COMMITTED' });
  });

  test('takes the delta alone, once the server has made it, and says what it took', async () => {
    const world = await openWorld();
    world.making = 3;
    const agent = await atVersionTwo(world);
    await ended(world.fleet, 2);
    const size = world.delta?.length;
    expect(last(world)).toMatchObject({
      result: 'RESULT_COMMITTED',
      transfer: { deltaBytes: size, fallbacks: [] },
    });
    expect(last(world)?.transfer?.bytes).toBeLessThan(modelOf(world.v2).size / 2);
    expect(wholeModelAsked(world)).toBe(false);
    expect((await world.storage.list('blobs')).filter((name) => name.includes('delta'))).toEqual(
      [],
    );
    await agent.idle();
  });

  test.each<[string, (world: World) => Uint8Array | undefined, RegExp]>([
    ['that there is none of', () => undefined, /^no delta: the server has no delta \(404\)$/],
    [
      'that is none',
      () => new Uint8Array(5000),
      /^no delta: a delta cannot be used \(it is none\)/,
    ],
    [
      'that makes something else',
      ({ v1 }) => {
        const other = modelOf(v1).bytes.slice(0, modelOf(v1).size);
        other[100] = 0;
        const padded = Buffer.concat([other, Buffer.alloc(5, 32)]);
        return Buffer.concat([
          ...encodeDelta(modelOf(v1).bytes, padded, (it) => zstdCompressSync(it)),
        ]);
      },
      /^no delta: .*has another digest|^no delta: what a delta makes/,
    ],
    [
      'that saves too little',
      ({ v2 }) => modelOf(v2).bytes,
      /^no delta: the delta saves too little$/,
    ],
  ])('falls back to the whole from one %s, and says why', async (_what, delta, why) => {
    const world = await openWorld();
    world.delta = delta(world);
    await atVersionTwo(world);
    await ended(world.fleet, 2);
    expect(last(world)).toMatchObject({
      result: 'RESULT_COMMITTED',
      transfer: { fallbacks: [expect.stringMatching(why)] },
    });
    expect(wholeModelAsked(world)).toBe(true);
  });

  test('falls back to the whole where the server gives none of its bytes, or asks for too long a wait', async () => {
    const broken = await openWorld();
    broken.broken = true;
    await atVersionTwo(broken);
    await ended(broken.fleet, 2);
    expect(last(broken)).toMatchObject({ result: 'RESULT_COMMITTED' });
    expect(last(broken)?.transfer?.fallbacks).toEqual([expect.stringMatching(/answered 500/)]);
    const slow = await openWorld();
    slow.making = 1;
    slow.again = '3600';
    await atVersionTwo(slow);
    await ended(slow.fleet, 2);
    expect(last(slow)).toMatchObject({ result: 'RESULT_COMMITTED' });
    expect(last(slow)?.transfer?.fallbacks).toEqual([expect.stringMatching(/takes too long/)]);
  });

  test('that fails never becomes a whole one on a metered link', async () => {
    const world = await openWorld();
    world.delta = new Uint8Array(5000);
    world.link = { name: 'wwan0', metered: true, why: 'it is a modem' };
    const agent = await atVersionTwo(world, { metered: 'METERED_DELTA_ONLY' });
    await vi.waitFor(
      () =>
        expect(agent.status().attempts.at(-1)).toMatchObject({
          code: 'download.metered',
          detail: expect.stringMatching(/wwan0 is metered .* delta-only.*; no delta: .*it is none/),
        }),
      fast,
    );
    expect(wholeModelAsked(world)).toBe(false);
    world.link = { name: 'eth0', metered: false, why: 'it is no modem' };
    await ended(world.fleet, 2);
    expect(last(world)?.transfer?.fallbacks).toEqual([expect.stringMatching(/it is none/)]);
    expect(wholeModelAsked(world)).toBe(true);
  });

  test('goes over a metered link where deltas may', async () => {
    const world = await openWorld();
    world.link = { name: 'wwan0', metered: true, why: 'it is a modem' };
    await atVersionTwo(world, { metered: 'METERED_DELTA_ONLY' });
    await ended(world.fleet, 2);
    expect(last(world)).toMatchObject({ result: 'RESULT_COMMITTED' });
    expect(wholeModelAsked(world)).toBe(false);
  });

  test('takes no whole model, whenever the power goes', async () => {
    const world = await openWorld();
    const first = await atVersionTwo(world);
    await first.stop();
    agents.splice(0);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(90),
        fc.constantFrom('nothing', 'names', 'torn'),
        async (at, loss) => {
          const storage = world.storage.restart('nothing');
          world.fleet.records.clear();
          world.asked.length = 0;
          storage.cutAt(at);
          const dying = await start(world, storage).catch(() => undefined);
          await vi.waitFor(() => {
            if (storage.operations < at) expect(last(world)?.result).toBe('RESULT_COMMITTED');
          }, fast);
          storage.cut();
          await dying?.stop().catch(() => undefined);
          const agent = await start(world, storage.restart(loss));
          await vi.waitFor(() => expect(agent.status().slots[0]?.active?.version).toBe(2), fast);
          expect(wholeModelAsked(world)).toBe(false);
          await agent.stop();
        },
      ),
      { numRuns: 25 },
    );
  });
});
