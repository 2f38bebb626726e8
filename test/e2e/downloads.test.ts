import { randomBytes } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MEDIA, makeManifest, openBundle, parseManifest } from '@flotilla/protocol';
import {
  createRepository,
  createSigner,
  generateKeyPair,
  readBundleFile,
  writeBundleFile,
} from '@flotilla/protocol/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, createBed, type Device, type Server } from '../support/fleet.ts';
import { type HttpProxy, startHttpProxy } from '../support/http-proxy.ts';
import { loadParts, type Parts } from '../support/parts.ts';
import { rollOut, untilEnded } from '../support/rollouts.ts';
import { until } from '../support/until.ts';

const STEP_MS = 60_000;
/** Bytes/s; the blobs of the example are some hundred kilobytes. */
const CAP = 40_000;

let parts: Parts;
let bed: Bed;
let server: Server;
let proxy: HttpProxy;
let device: Device;
/** Bytes of blobs that crossed the proxy, and when. */
const crossed: { path: string; bytes: number; atMs: number }[] = [];

beforeAll(async () => {
  parts = await loadParts();
  bed = await createBed();
  proxy = await startHttpProxy(
    () => server.httpPort,
    (path, body) => {
      if (/\/(blobs|deltas)\//.test(path)) {
        crossed.push({ path, bytes: body.length, atMs: Date.now() });
      }
      return body;
    },
  );
  server = await bed.server({ args: [`--public-url=${proxy.url}`] });
  const env = { FLOTILLA_AGENT_METERED: 'yes' };
  const token = await server.claimToken();
  device = await bed.device('press', { server: server.url, token, env });
}, 120_000);
afterAll(async () => {
  await bed.close();
  await proxy.close();
});

async function push(version: 1 | 2): Promise<void> {
  const { code, stderr } = await server.cli(
    'model',
    'push',
    parts.bundles(version),
    '--name',
    'parts',
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
}

interface Members {
  readonly devices: readonly {
    readonly state: string;
    readonly code: string;
    readonly detail: string;
    readonly transfer?: {
      readonly bytes: number;
      readonly deltaBytes: number;
      readonly fallbacks: readonly string[];
    };
  }[];
}
const memberOf = async (rollout: string) =>
  (await server.api.get<Members>(`/rollouts/${rollout}`)).devices[0];

test('a download waits on a metered link where it shall, and says so', async () => {
  const policy = await server.cli('fleet', 'downloads', '--metered', 'wait');
  expect(policy).toMatchObject({ code: 0, stdout: 'metered links: wait\n' });
  await push(1);
  const rollout = await rollOut(server.api, 1, { waves: ['100%'], soakMs: 0 });
  const waiting = await until('the device to wait', async () => {
    const member = await memberOf(rollout);
    return member?.code === 'download.metered' && member;
  });
  expect(waiting).toMatchObject({
    state: 'in-progress',
    detail: /is metered \(as its owner says\)/,
  });
  expect((await device.status()).attempts.at(-1)?.code).toBe('download.metered');
  expect(crossed).toEqual([]);
  // the owner of the device says that this link costs nothing after all
  await server.cli('fleet', 'downloads', '--metered', 'allow');
  expect((await untilEnded(server.api, rollout, STEP_MS)).state).toBe('done');
  const bytes = crossed.reduce((sum, one) => sum + one.bytes, 0);
  expect(await memberOf(rollout)).toMatchObject({
    state: 'committed',
    code: '',
    transfer: { bytes },
  });
}, 120_000);

test('a download keeps to the cap, across a crash too', async () => {
  crossed.length = 0;
  await server.cli('fleet', 'downloads', '--bandwidth', `${CAP}`);
  await push(2);
  const rollout = await rollOut(server.api, 2, { waves: ['100%'], soakMs: 0 });
  const beganMs = await until('some bytes', () => crossed[0]?.atMs);
  await device.kill9();
  await device.restart();
  expect((await untilEnded(server.api, rollout, STEP_MS)).state).toBe('done');
  const bytes = (await memberOf(rollout))?.transfer?.bytes ?? 0;
  expect(bytes).toBeGreaterThan(2 * CAP);
  // what came in the first second was credit
  expect((Date.now() - beganMs) / 1000).toBeGreaterThan(bytes / CAP - 1);
}, 120_000);

/** Version 2 once more, with a comment that changes nothing and does not compress. */
async function commentedBundle(): Promise<{ folder: string; model: string }> {
  const [name = ''] = (await readdir(parts.bundles(2))).filter((it) => it.endsWith('.flotilla'));
  const file = await readBundleFile(join(parts.bundles(2), name));
  const { layers, config } = parseManifest(file.manifestBytes);
  const { config: settings } = await openBundle(
    file.manifestBytes,
    file.blobs.get(config.digest) ?? new Uint8Array(),
  );
  const bytesOf = (mediaType: string) =>
    file.blobs.get(layers.find((layer) => layer.mediaType === mediaType)?.digest ?? '');
  const layer = (mediaType: string) => bytesOf(mediaType) ?? new Uint8Array();
  const comment = randomBytes(30_000).toString('base64');
  // field 6 of ModelProto is `doc_string`: tag 0x32, length of 40,000 as a varint
  const doc = Buffer.concat([Uint8Array.of(0x32, 0xc0, 0xb8, 0x02), Buffer.from(comment)]);
  const labels = bytesOf(MEDIA.labels);
  const profile = bytesOf(MEDIA.profile);
  const content = await makeManifest({
    config: { ...settings, version: 4 },
    model: Buffer.concat([layer(MEDIA.model), doc]),
    spec: layer(MEDIA.spec),
    golden: layer(MEDIA.golden),
    recipe: layer(MEDIA.recipe),
    ...(labels === undefined ? {} : { labels }),
    ...(profile === undefined ? {} : { profile }),
  });
  const folder = join(bed.folder, 'commented');
  await mkdir(folder);
  const metadata = createRepository(createSigner(generateKeyPair()), { fleet: 'local' });
  await writeBundleFile(join(folder, 'parts.flotilla'), { ...content, metadata });
  const made = parseManifest(content.manifestBytes).layers;
  const model = made.find(({ mediaType }) => mediaType === MEDIA.model);
  return { folder, model: model?.digest ?? '' };
}

test('over a metered link a delta alone is fetched, and a crash costs no byte twice', async () => {
  const policy = ['--bandwidth', '2000', '--metered', 'delta-only'];
  await server.cli('fleet', 'downloads', ...policy);
  crossed.length = 0;
  const { folder, model } = await commentedBundle();
  const pushed = await server.cli('model', 'push', folder, '--name', 'parts');
  expect(pushed).toMatchObject({ code: 0 });
  const rollout = await rollOut(server.api, 4, { waves: ['100%'], soakMs: 0 });
  const ofDelta = () =>
    crossed.filter(({ path, bytes }) => path.includes('/deltas/') && bytes > 1000);
  await until('some bytes of the delta', () => ofDelta().length > 0);
  await device.kill9();
  await server.cli('fleet', 'downloads', '--bandwidth', '0');
  await device.restart();
  expect((await untilEnded(server.api, rollout, STEP_MS)).state).toBe('done');
  const transfer = (await memberOf(rollout))?.transfer;
  expect(transfer).toMatchObject({ fallbacks: [] });
  expect(transfer?.deltaBytes).toBeGreaterThan(0);
  expect(crossed.filter(({ path }) => path.endsWith(`/blobs/${model}`))).toEqual([]);
  // the delta is as long as the comment; one piece may have been under way when the device died
  const bytes = ofDelta().reduce((sum, one) => sum + one.bytes, 0);
  expect(bytes).toBeLessThan(40_000 + 17_000);
}, 120_000);
