import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, createBed, type Device, type Server } from '../support/fleet.ts';
import { type HttpProxy, startHttpProxy } from '../support/http-proxy.ts';
import { loadParts, type Parts } from '../support/parts.ts';
import { rollOut, untilEnded } from '../support/rollouts.ts';
import { until } from '../support/until.ts';

const STEP_MS = 60_000;
/** Bytes/s; the blobs of the example are some hundred kilobytes. */
const CAP = 100_000;

let parts: Parts;
let bed: Bed;
let server: Server;
let proxy: HttpProxy;
let device: Device;
/** Bytes of blobs that crossed the proxy, and when. */
const crossed: { bytes: number; atMs: number }[] = [];

beforeAll(async () => {
  parts = await loadParts();
  bed = await createBed();
  proxy = await startHttpProxy(
    () => server.httpPort,
    (path, body) => {
      if (path.includes('/blobs/')) crossed.push({ bytes: body.length, atMs: Date.now() });
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
    readonly transfer?: { readonly bytes: number };
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
  expect(bytes).toBeGreaterThan(3 * CAP);
  // what came in the first second was credit
  expect((Date.now() - beganMs) / 1000).toBeGreaterThan(bytes / CAP - 1);
}, 120_000);
