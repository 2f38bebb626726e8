import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decode } from '@flotilla/protocol';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { infer } from '../support/feeder.ts';
import { type Bed, createBed, type Device, type Server } from '../support/fleet.ts';
import { startHttpProxy } from '../support/http-proxy.ts';
import { startTap, type TappedMessage } from '../support/mqtt-tap.ts';
import { expectOneLine } from '../support/one-line.ts';
import { loadParts, type Parts } from '../support/parts.ts';
import { rollOut, untilEnded } from '../support/rollouts.ts';
import { treeOf } from '../support/tree.ts';
import { until } from '../support/until.ts';

/** A machine under load starts processes slowly. */
vi.setConfig({ testTimeout: 120_000 });

/** Someone between server and device, who changes what passes. */
interface Attacker {
  http(path: string, body: Buffer): Buffer;
  mqtt(message: TappedMessage): void;
}

const IDLE: Attacker = { http: (_path, body) => body, mqtt: () => undefined };
let attacker = IDLE;
let bed: Bed;
let parts: Parts;
let server: Server;
let device: Device;
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  parts = await loadParts();
  bed = await createBed();
  closers.push(() => bed.close());
  const proxy = await startHttpProxy(
    () => server.httpPort,
    (path, body) => attacker.http(path, body),
  );
  const tap = await startTap(
    () => server.mqttPort,
    (message) => attacker.mqtt(message),
  );
  closers.push(proxy.close, tap.close);
  server = await bed.server({ args: ['--public-url', proxy.url, '--public-mqtt-url', tap.url] });
  device = await bed.device('press', { server: proxy.url, token: await server.claimToken() });
  for (const version of [1, 2] as const) {
    const pushed = await server.cli('model', 'push', parts.bundles(version), '--name', 'parts');
    expect(pushed.stderr).toBe('');
  }
  expect((await untilEnded(server.api, await rollOut(server.api, 1), 60_000)).state).toBe('done');
}, 180_000);

afterEach(() => {
  attacker = IDLE;
});
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

/** Changes one bit in the middle of what is given. */
function flip(bytes: Buffer, at = bytes.length >> 1): Buffer {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}

/** The device reports why it does not take version 2, and goes on with version 1. */
async function expectRefusal(code: string, says: RegExp): Promise<void> {
  const settings = { maxAttempts: 1, gates: { maxFailedShare: 1 } };
  const rollout = await untilEnded(server.api, await rollOut(server.api, 2, settings), 60_000);
  const [member] = rollout.devices;
  expect(member).toMatchObject({ state: 'failed', code, detail: expect.stringMatching(says) });
  const [frame] = parts.clean;
  const answer = await infer(device.url, 'parts', frame?.bytes ?? new Uint8Array());
  expect(answer.version).toBe(1);
  const { slots } = await device.status();
  expect(slots).toMatchObject([{ ready: true, active: { version: 1 } }]);
}

test('a bundle of which one byte changed is refused when it is pushed, and nothing of it is kept', async () => {
  const folder = join(bed.folder, 'changed');
  await mkdir(folder);
  const [name = ''] = (await readdir(parts.bundles(3))).filter((file) =>
    file.endsWith('.flotilla'),
  );
  const bundle = await readFile(join(parts.bundles(3), name));
  await writeFile(join(folder, name), flip(bundle));
  const artifacts = join(server.data, 'artifacts');
  const before = await treeOf(artifacts);
  const ended = await server.cli('model', 'push', folder, '--name', 'parts');
  expectOneLine(ended, /parts-3-x86-64-int8\.flotilla.*(digest|sha256)/, 1);
  expect(await treeOf(artifacts)).toEqual(before);
  const { status } = await server.api.send('/models/parts/versions/3', {});
  expect(status).toBe(404);
});

test('an artifact of which one byte changed on the way is not activated', async () => {
  attacker = { ...IDLE, http: (path, body) => (path.includes('/blobs/') ? flip(body) : body) };
  await expectRefusal('bundle.digest-mismatch', /sha256/);
});

test('a director document of which one byte changed is not followed', async () => {
  attacker = {
    ...IDLE,
    mqtt({ direction, topic, payload }) {
      if (direction !== 'down' || !topic.endsWith('/desired')) return;
      const { director } = decode('Desired', payload);
      const at = payload.indexOf(director);
      // within the version number or a digest: any byte of what is signed
      flip(payload, at + payload.subarray(at).indexOf('sha256') + 12);
    },
  };
  await expectRefusal('trust.rejected', /director/);
});

test('signed targets of which one byte changed are not believed', async () => {
  attacker = {
    ...IDLE,
    http: (path, body) => (path.endsWith('/targets.json') ? flip(body) : body),
  };
  await expectRefusal('trust.rejected', /targets/);
});

test('what nobody changed is taken by the same device afterwards', async () => {
  const rollout = await untilEnded(server.api, await rollOut(server.api, 2), 60_000);
  expect(rollout.devices).toMatchObject([{ state: 'committed' }]);
  await until('version 2 on the device', async () => {
    const { slots } = await device.status();
    return slots[0]?.active?.version === 2;
  });
});
