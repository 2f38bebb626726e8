import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FlotillaError } from '@flotilla/protocol';
import { findRunning } from './data-folder.ts';
import { bearer, readLocalToken } from './side-load/local-token.ts';

export interface LocalAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface LocalRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whole, or as it comes: then its size is the header `content-length`. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
}

/** The agent that runs on a data folder, over its own HTTP or socket. */
export interface LocalAgent {
  readonly pid: number;
  /** Carries the token that lets a command change things. */
  ask(request: LocalRequest): Promise<LocalAnswer>;
}

const TIMEOUT_MS = 60_000;
const PROBE_MS = 5_000;

/**
 * Undefined where none runs; whoever else has its address now does not know the token.
 *
 * @throws FlotillaError `agent.foreign-folder`
 */
export async function findAgent(data: string): Promise<LocalAgent | undefined> {
  const running = await findRunning(data);
  const token = await readLocalToken(data);
  if (running === undefined || token === undefined) return undefined;
  const { address, pid } = running;
  const authorization = bearer(token);
  const ask = (asked: LocalRequest, timeoutMs: number) =>
    send(address, { ...asked, headers: { authorization, ...asked.headers } }, timeoutMs);
  const probe = await ask({ method: 'GET', path: '/v1/local' }, PROBE_MS).catch(() => undefined);
  if (probe?.status !== 200) return undefined;
  return { pid, ask: (asked) => ask(asked, TIMEOUT_MS) };
}

/**
 * The answer's JSON.
 *
 * @throws FlotillaError `local.refused` with the agent's own words
 */
export function jsonOf<T>({ status, body }: LocalAnswer): T {
  const value: unknown = JSON.parse(body.toString());
  if (status < 300) return value as T;
  const { error } = value as { error?: unknown };
  throw new FlotillaError('local.refused', { reason: String(error) });
}

async function send(
  address: string,
  { method, path, headers = {}, body }: LocalRequest,
  timeoutMs: number,
): Promise<LocalAnswer> {
  const target = address.startsWith('unix:')
    ? { socketPath: address.slice('unix:'.length) }
    : { hostname: new URL(address).hostname, port: new URL(address).port };
  const length = body instanceof Uint8Array ? { 'content-length': String(body.length) } : {};
  const call = request({
    ...target,
    method,
    path,
    headers: { ...length, ...headers },
    timeout: timeoutMs,
  });
  call.on('timeout', () => call.destroy(new Error('no answer')));
  const answered = once(call, 'response') as Promise<[IncomingMessage]>;
  const sent =
    body === undefined || body instanceof Uint8Array
      ? answered.then(() => undefined)
      : pipeline(Readable.from(body), call);
  if (body === undefined || body instanceof Uint8Array) call.end(body);
  try {
    // an answer may come before all was sent: a refusal
    const [response] = await Promise.race([answered, sent.then(() => answered)]);
    const whole = Buffer.concat(await Array.fromAsync<Buffer>(response));
    return { status: response.statusCode ?? 0, headers: response.headers, body: whole };
  } finally {
    sent.catch(() => undefined);
    call.destroy();
  }
}
