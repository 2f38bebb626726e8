import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Api, connect } from '../api.ts';
import type { DemoDevice } from './devices.ts';
import { type Environment, launch, type Running } from './processes.ts';

/** What all processes of the demo share. */
export interface Place {
  /** Holds their data and logs. */
  readonly folder: string;
  readonly environment: Environment;
}

/** The server process of the demo. */
export interface DemoServer {
  readonly process: Running;
  readonly url: string;
  readonly mqttUrl: string;
  readonly adminToken: string;
  readonly api: Api;
}

/** An agent process of the demo. */
export interface DemoAgent {
  readonly device: DemoDevice;
  /** Id that the server gave it. */
  readonly id: string;
  /** Where it serves inference. */
  readonly url: string;
  readonly process: Running;
}

export const WINDOW_MS = 1000;
const FLEET = 'demo';

const serverMain = fileURLToPath(new URL('../main.ts', import.meta.url));
const agentMain = fileURLToPath(import.meta.resolve('@flotilla/agent/main'));

export async function startServer(
  { folder, environment }: Place,
  port: number,
): Promise<DemoServer> {
  const data = join(folder, 'server');
  const ports = ['--port', `${port}`, '--mqtt-port', '0'];
  const window = ['--telemetry-window-ms', `${WINDOW_MS}`];
  const process = launch({
    name: 'server',
    args: [serverMain, 'serve', '--json', '--data', data, '--fleet', FLEET, ...ports, ...window],
    logs: folder,
    environment,
  });
  const line = await process.line((text) => text.startsWith('{"url"'));
  const { url, mqttUrl, adminToken } = JSON.parse(line) as Omit<DemoServer, 'process' | 'api'>;
  const api = connect({ server: url, token: adminToken, fleet: FLEET });
  return { process, url, mqttUrl, adminToken, api };
}

/** Enrolls a device with a claim token, then runs its agent. */
export async function startAgent(
  device: DemoDevice,
  { folder, environment }: Place,
  { server, claim }: { readonly server: string; readonly claim: string },
): Promise<DemoAgent> {
  const { name, target, site } = device;
  const data = join(folder, name);
  const enrolling = launch({
    name: `${name}-enroll`,
    args: [
      ...[agentMain, 'enroll', '--server', server, '--token', claim, '--data', data, '--json'],
      ...['--target', target, '--name', name, '--tag', `site=${site}`],
    ],
    logs: folder,
    environment,
  });
  const enrolled = JSON.parse(await enrolling.line((text) => text.startsWith('{')));
  await enrolling.stop();
  const process = launch({
    name,
    args: [agentMain, 'run', '--data', data, '--http', '127.0.0.1:0', '--json'],
    logs: folder,
    environment,
  });
  const ready = JSON.parse(await process.line((text) => text.startsWith('{"ready"')));
  return { device, id: String(enrolled.device), url: String(ready.address), process };
}
