import {
  type BlobChunk,
  type BlobRequest,
  type Draft,
  decode,
  deviceTopics,
  encode,
} from '@flotilla/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  connectDevice,
  enrollDevice,
  type FakeDevice,
  type Identity,
  until,
} from '../testing/fake-device.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';
import { pushBundles } from '../testing/uploads.ts';

let server: TestServer;
let identity: Identity;
let device: FakeDevice;
let manifest: string;
let model: Uint8Array;
const chunks: (BlobChunk & { readonly name: string })[] = [];

beforeAll(async () => {
  server = await startTestServer();
  identity = await enrollDevice(server, { name: 'press' });
  device = await connectDevice(identity);
  const down = topics().blobChunks('');
  device.client.on('message', (topic, payload) => {
    if (!topic.startsWith(down)) return;
    chunks.push({ ...decode('BlobChunk', payload), name: topic.slice(down.length) });
  });
  await device.state(1);
  await device.sync();
  const [bundle] = await pushBundles(server, 1);
  manifest = bundle?.digest.slice('sha256:'.length) ?? '';
  model = bundle?.model ?? new Uint8Array();
});
afterAll(async () => {
  await device.close();
  await server.stop();
});

const topics = () => deviceTopics(identity.fleet, identity.device);

async function ask(name: string, request: Draft<BlobRequest>, answers = 1) {
  chunks.length = 0;
  const whole = { offset: 0, length: 1 << 16, chunk: 1 << 15, ...request };
  await device.client.publishAsync(
    topics().blobRequest(name),
    Buffer.from(encode('BlobRequest', whole)),
    { qos: 1 },
  );
  return until('an answer', () => chunks.length >= answers && [...chunks]);
}

const hexOf = async (bytes: Uint8Array) =>
  Buffer.from(await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes))).toString('hex');

describe('blobs over MQTT', () => {
  it('are signed metadata, which every device of the fleet may read', async () => {
    const [answer] = await ask('timestamp.json', {});
    expect(answer).toMatchObject({ status: 206, name: 'timestamp.json' });
    expect(JSON.parse(Buffer.from(answer?.data ?? []).toString())).toHaveProperty('signed');
    expect(await ask('9.root.json', {})).toMatchObject([{ status: 404 }]);
  });

  it('are refused where the desired state does not name them', async () => {
    expect(await ask(manifest, {})).toMatchObject([{ status: 404 }]);
  });

  it('come in chunks of the asked range once the device is to have them', async () => {
    await until('the version', async () => {
      const { body } = await server.call('GET', '/models/parts/versions/1');
      return String(body.status) === 'ready';
    });
    await server.call('POST', '/rollouts', { model: 'parts', version: 1, waves: ['100%'] });
    await until('the deployment', () => device.desired.at(-1)?.slots[0]?.active ?? undefined);
    expect(await ask(manifest, {})).toMatchObject([{ status: 206 }]);
    const answers = await ask(await hexOf(model), { offset: 100, length: 3000, chunk: 1024 }, 3);
    expect(answers.map(({ offset, data }) => [offset, data.length])).toEqual([
      [100, 1024],
      [1124, 1024],
      [2148, 952],
    ]);
    const bytes = Buffer.concat(answers.map(({ data }) => data));
    expect(bytes.equals(model.subarray(100, 3100))).toBe(true);
    expect(answers[0]).toMatchObject({ total: model.length });
  });

  it.each<[string, Draft<BlobRequest>, number]>([
    ['of too much at once', { length: (256 << 10) + 1 }, 400],
    ['of nothing', { length: 0 }, 400],
    ['in crumbs', { chunk: 1 }, 400],
    ['beyond the end', { offset: 1e9 }, 416],
    ['of a delta from what is no digest', { from: 'old' }, 400],
    ['of a delta from what nobody has', { from: `sha256:${'0'.repeat(64)}` }, 404],
  ])('are refused to a request %s', async (_what, request, status) => {
    expect(await ask(await hexOf(model), request)).toMatchObject([{ status }]);
  });

  it('come no faster than one device may have them', async () => {
    const name = await hexOf(model);
    const begunMs = performance.now();
    // 512 requests of all of it are more than the burst, and more than may wait
    const whole = Buffer.from(
      encode('BlobRequest', { offset: 0, length: model.length, chunk: 1 << 15 }),
    );
    chunks.length = 0;
    for (let i = 0; i < 512; i++) {
      await device.client.publishAsync(topics().blobRequest(name), whole, { qos: 1 });
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    const seconds = (performance.now() - begunMs) / 1000;
    const bytes = chunks.reduce((sum, { data }) => sum + data.length, 0);
    expect(bytes).toBeLessThan((1 << 20) * (seconds + 1.5));
  });
});
