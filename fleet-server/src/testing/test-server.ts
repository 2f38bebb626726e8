import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { type ServerConfig, serverConfig } from '../config.ts';
import { type RunningServer, startServer } from '../start.ts';

/** A server on ephemeral loopback ports with a data folder of its own. */
export interface TestServer {
  readonly url: string;
  readonly mqttUrl: string;
  readonly data: string;
  readonly adminToken: string;
  /** Calls the API as admin, or with another token; `body` goes as JSON. */
  call(method: string, path: string, body?: unknown, headers?: Fields): Promise<Answer>;
  /** Stops and starts again on the same data and ports. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

type Fields = Readonly<Record<string, string>>;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

/** Any JSON, read by path; `expect` says what it shall be. */
export interface Body {
  readonly [key: string]: Body | undefined;
}

export async function startTestServer(overrides: Partial<ServerConfig> = {}): Promise<TestServer> {
  const data = await mkdtemp(join(tmpdir(), 'flotilla-server-'));
  const settings = { port: 0, mqttPort: 0, data, ...overrides };
  const log = pino({ level: process.env.TEST_LOG ?? 'silent' });
  let running: RunningServer;
  try {
    running = await startServer(serverConfig(settings), { log });
  } catch (error) {
    await rm(data, { recursive: true });
    throw error;
  }
  const adminToken = running.adminToken ?? '';
  const { url, mqttUrl } = running;
  return {
    url,
    mqttUrl,
    data,
    adminToken,
    call: (method, path, body, headers = {}) =>
      callApi(`${url}/api/1/fleets/default${path}`, method, body, {
        authorization: `Bearer ${adminToken}`,
        ...headers,
      }),
    async restart() {
      await running.close();
      const ports = { port: Number(new URL(url).port), mqttPort: Number(new URL(mqttUrl).port) };
      running = await startServer(serverConfig({ ...settings, ...ports }), { log });
    },
    async stop() {
      await running.close();
      await rm(data, { recursive: true });
    },
  };
}

export async function callApi(
  url: string,
  method: string,
  body?: unknown,
  headers: Fields = {},
): Promise<Answer> {
  const json: Fields = body === undefined ? {} : { 'content-type': 'application/json' };
  const response = await fetch(url, {
    method,
    headers: { ...json, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const parsed = /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : text;
  return { status: response.status, headers: response.headers, body: parsed as Body };
}
