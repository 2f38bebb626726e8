import { request } from 'node:http';
import { FlotillaError } from '@flotilla/protocol';
import { findRunning, loadEnrolment } from './data-folder.ts';

export interface LocalAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface LocalRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

const TIMEOUT_MS = 60_000;

/**
 * Asks the agent that runs on a data folder, over its own HTTP or socket.
 *
 * @throws FlotillaError `agent.not-enrolled`, `agent.not-running`
 */
export async function askAgent(data: string, ask: LocalRequest): Promise<LocalAnswer> {
  await loadEnrolment(data);
  const running = await findRunning(data);
  if (running === undefined) throw new FlotillaError('agent.not-running', { data });
  try {
    return await send(running.address, ask);
  } catch (cause) {
    throw new FlotillaError('agent.not-running', { data }, { cause });
  }
}

function send(address: string, { method, path, headers = {}, body }: LocalRequest) {
  const target = address.startsWith('unix:')
    ? { socketPath: address.slice('unix:'.length) }
    : { hostname: new URL(address).hostname, port: new URL(address).port };
  return new Promise<LocalAnswer>((resolve, reject) => {
    const length = { 'content-length': String(body?.length ?? 0) };
    const call = request({
      ...target,
      method,
      path,
      headers: { ...headers, ...(body === undefined ? {} : length) },
      timeout: TIMEOUT_MS,
    });
    call.on('error', reject).on('timeout', () => call.destroy(new Error('no answer')));
    call.on('response', (response) => {
      const chunks: Buffer[] = [];
      response
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('error', reject)
        .on('end', () => {
          const { statusCode: status = 0, headers: answered } = response;
          resolve({ status, headers: answered, body: Buffer.concat(chunks) });
        });
    });
    call.end(body);
  });
}
