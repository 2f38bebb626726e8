import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Api, createApi } from './api.ts';
import { freePort } from './ports.ts';
import {
  type Ended,
  type Environment,
  type Program,
  type Running,
  run,
  start,
} from './processes.ts';

export interface ServerOptions {
  /** Folder below the bed's; default `server`. */
  readonly data?: string;
  /** Further options of `flotilla serve`. */
  readonly args?: readonly string[];
  /** Length of telemetry windows, ms; default 1000. */
  readonly telemetryWindowMs?: number;
}

/** A fleet server in a process of its own, on loopback ports that it keeps over restarts. */
export interface Server {
  /** Of the process that runs now. */
  readonly pid: number;
  /** Where it listens; what devices are told may be another address. */
  readonly url: string;
  readonly httpPort: number;
  /** Of the embedded broker. */
  readonly mqttPort: number;
  readonly data: string;
  readonly adminToken: string;
  readonly api: Api;
  /** Runs `flotilla COMMAND …` against this server. */
  cli(...args: readonly string[]): Promise<Ended>;
  claimToken(uses?: number): Promise<string>;
  kill9(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<Ended>;
}

/** An enrolled device with its agent in a process of its own. */
export interface Device {
  readonly id: string;
  /** Of the agent that runs now. */
  readonly pid: number;
  readonly name: string;
  readonly data: string;
  /** Where it serves inference now; another port after each start. */
  readonly url: string;
  status(): Promise<AgentStatus>;
  kill9(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<Ended>;
}

/** What tests read of an agent's own account of itself. */
export interface AgentStatus {
  readonly online: boolean;
  readonly slots: readonly {
    readonly ready: boolean;
    readonly active?: { readonly version: number };
    readonly trial?: { readonly version: number };
  }[];
  readonly release?: { readonly active?: { readonly version: number } };
  readonly attempts: readonly {
    readonly attempt: number;
    readonly result?: string;
    readonly step?: string;
    readonly code?: string;
    readonly detail?: string;
  }[];
  readonly outbox: {
    readonly pending: number;
    readonly rejected: number;
    readonly dropped: number;
  };
  readonly health: {
    readonly bytesWritten: number;
    readonly bytesWrittenLastHour: number;
    readonly throttledBy: readonly string[];
  };
}

/** Folders and processes of one suite; `close` ends and removes all of them. */
export interface Bed {
  readonly folder: string;
  /** Of every process here. */
  readonly env: Environment;
  server(options?: ServerOptions): Promise<Server>;
  device(name: string, options: DeviceOptions): Promise<Device>;
  close(): Promise<void>;
}

export interface DeviceOptions {
  /** Base address of the fleet server. */
  readonly server: string;
  readonly token: string;
  /** Hardware class that the device declares, default x86-64; empty: it finds that out itself. */
  readonly target?: string;
  /** What runs the agent: its source here, or a command. */
  readonly agent?: Program;
  /** Further environment of the running agent. */
  readonly env?: Environment;
  /** A command that starts the agent, which gets its data folder. */
  readonly wrapper?: (data: string) => readonly string[];
}

interface Address {
  readonly adminToken?: string;
}

export async function createBed(): Promise<Bed> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-bed-'));
  const stops: (() => Promise<unknown>)[] = [];
  // a command never touches the home folder of who runs the tests
  const env: Environment = { HOME: folder, FLOTILLA_HOME: join(folder, 'home') };
  return {
    folder,
    env,
    async server(options = {}) {
      const data = join(folder, options.data ?? 'server');
      const server = await startServer(data, options, env);
      stops.push(() => server.stop());
      return server;
    },
    async device(name, options) {
      const device = await startDevice(join(folder, name), name, options, env);
      stops.push(() => device.stop());
      return device;
    },
    async close() {
      for (const stop of stops.reverse()) await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startServer(
  data: string,
  { args = [], telemetryWindowMs = 1000 }: ServerOptions,
  env: Environment,
): Promise<Server> {
  const [httpPort, mqttPort] = [await freePort(), await freePort()];
  const ports = [`--port=${httpPort}`, `--mqtt-port=${mqttPort}`];
  const url = `http://127.0.0.1:${httpPort}`;
  const window = `--telemetry-window-ms=${telemetryWindowMs}`;
  const command = ['serve', `--data=${data}`, ...ports, window, '--json', ...args];
  const launch = async () => {
    const running = start('flotilla', command, env);
    const line = await running.line((text) => text.startsWith('{'));
    return { running, address: JSON.parse(line) as Address };
  };
  let { running, address } = await launch();
  const { adminToken = '' } = address;
  const api = createApi(url, adminToken);
  return {
    get pid() {
      return running.pid;
    },
    url,
    httpPort,
    mqttPort,
    data,
    adminToken,
    api,
    cli: (...words) =>
      run('flotilla', words, { ...env, FLOTILLA_SERVER: url, FLOTILLA_TOKEN: adminToken }),
    async claimToken(uses = 1) {
      const { token } = await api.post<{ token: string }>('/claim-tokens', { uses });
      return token;
    },
    kill9: () => running.kill9(),
    async restart() {
      ({ running, address } = await launch());
    },
    stop: () => running.stop(),
  };
}

async function startDevice(
  data: string,
  name: string,
  {
    server,
    token,
    target = 'x86-64',
    agent = 'flotilla-agent',
    env: own = {},
    wrapper = () => [],
  }: DeviceOptions,
  env: Environment,
): Promise<Device> {
  const declared = target === '' ? [] : ['--target', target];
  const options = ['--server', server, '--token', token, ...declared, '--name', name];
  const enrolled = await run(agent, ['enroll', '--data', data, ...options], env);
  if (enrolled.code !== 0) throw new Error(`enroll: ${enrolled.code} ${enrolled.stderr}`);
  const launch = async (): Promise<{ running: Running; address: string; device: string }> => {
    const where = ['--data', data, '--http', '127.0.0.1:0', '--log', 'debug', '--json'];
    const all = { ...env, ...own };
    const running = start(agent, ['run', ...where], all, undefined, wrapper(data));
    const line = await running.line((text) => text.startsWith('{'));
    return { running, ...(JSON.parse(line) as { address: string; device: string }) };
  };
  let launched = await launch();
  return {
    id: launched.device,
    name,
    data,
    get pid() {
      return launched.running.pid;
    },
    get url() {
      return launched.address;
    },
    async status() {
      const response = await fetch(`${launched.address}/flotilla/1/status`);
      return (await response.json()) as AgentStatus;
    },
    kill9: () => launched.running.kill9(),
    async restart() {
      launched = await launch();
    },
    stop: () => launched.running.stop(),
  };
}
