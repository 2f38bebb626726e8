import { afterEach, expect, test } from 'vitest';
import { type Bed, createBed, type Device, type Server } from '../support/fleet.ts';
import { type HttpProxy, startHttpProxy } from '../support/http-proxy.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { loadParts } from '../support/parts.ts';
import { readRollout, rollOut, untilEnded } from '../support/rollouts.ts';
import { until } from '../support/until.ts';

const STEP_MS = 60_000;
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface World {
  readonly bed: Bed;
  readonly server: Server;
  readonly device: Device;
  readonly proxy: HttpProxy;
}

/** A device that was enrolled over HTTP and knows the server by an address that will go away. */
async function openWorld(args: readonly string[]): Promise<World> {
  const bed = await createBed();
  closers.push(() => bed.close());
  const proxy = await startHttpProxy(
    () => server.httpPort,
    (_path, body) => body,
  );
  const server: Server = await bed.server({ args: [`--public-url=${proxy.url}`, ...args] });
  const token = await server.claimToken();
  const device = await bed.device('press', { server: server.url, token });
  return { bed, server, device, proxy };
}

interface Transferred {
  readonly transfer?: {
    readonly bytes: number;
    readonly mqttBytes: number;
    readonly fallbacks: readonly string[];
  };
}

/** Everything that a device needs for a new model comes over MQTT, across a crash of the agent. */
async function transfersWithoutHttp({ server, device, proxy }: World): Promise<void> {
  const parts = await loadParts();
  await until('the device online', async () => (await device.status()).online);
  await proxy.close();
  const pushed = await server.cli('model', 'push', parts.bundles(1), '--name', 'parts');
  expect(pushed).toMatchObject({ code: 0 });
  // slow enough that the crash comes in the middle
  await server.cli('fleet', 'downloads', '--bandwidth', '60000');
  const rollout = await rollOut(server.api, 1, { waves: ['100%'], soakMs: 0 });
  await until('some bytes', async () => {
    const [member] = (await readRollout(server.api, rollout)).devices;
    return member?.state === 'in-progress';
  });
  await device.kill9();
  await server.cli('fleet', 'downloads', '--bandwidth', '0');
  await device.restart();
  const ended = await untilEnded(server.api, rollout, STEP_MS);
  expect(ended.state).toBe('done');
  const [member] = ended.devices as readonly Transferred[];
  expect(member?.transfer?.bytes).toBeGreaterThan(0);
  expect(member?.transfer?.mqttBytes).toBe(member?.transfer?.bytes);
  expect(member?.transfer?.fallbacks).toEqual(['over MQTT: HTTP did not answer']);
}

test('a model comes over the embedded broker where HTTP is barred', async () => {
  await transfersWithoutHttp(await openWorld([]));
}, 180_000);

test('a model comes over Mosquitto where HTTP is barred', async () => {
  const mosquitto = await startMosquitto();
  if (mosquitto === undefined) return;
  closers.push(() => mosquitto.stop());
  const { username, password } = mosquitto.admin;
  const login = [`--broker-user=${username}`, `--broker-password=${password}`];
  await transfersWithoutHttp(await openWorld([`--broker=${mosquitto.url}`, ...login]));
}, 180_000);
