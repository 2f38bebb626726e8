import { Readable } from 'node:stream';
import { FlotillaError } from '@flotilla/protocol';
import { type Command, Option } from 'commander';
import { SETTINGS } from './config.ts';
import type { Context } from './context.ts';

export interface ApiOptions {
  readonly server: string;
  readonly token: string;
  readonly fleet: string;
}

/** Client of the fleet server's API; every refusal becomes one line. */
export interface Api {
  get<T>(path: string): Promise<T>;
  /** Every item of a list, page by page. */
  all<T>(path: string): Promise<T[]>;
  post<T>(path: string, body?: unknown): Promise<T>;
  put<T>(path: string, body: unknown): Promise<T>;
  patch<T>(path: string, body: unknown): Promise<T>;
  delete(path: string): Promise<void>;
  /** Sends bytes as they come, so that an upload of any size takes little memory. */
  upload<T>(path: string, type: string, chunks: AsyncIterable<Uint8Array>): Promise<T>;
  readonly base: string;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

/** Adds the options that every command of a fleet takes. */
export function withApiOptions(command: Command, context: Context): Command {
  const { settings } = context;
  return command
    .option('--server <url>', 'fleet server', settings.server)
    .addOption(
      // help shows defaults, and this one is a secret
      new Option('--token <token>', 'API token').default(settings.token, SETTINGS.token.env),
    )
    .option('--fleet <name>', 'fleet', settings.fleet)
    .option('--json', 'print JSON');
}

export function connect(options: ApiOptions): Api {
  const server = options.server.replace(/\/+$/, '');
  if (options.token === '') throw new FlotillaError('api.no-token', { server });
  const base = `${server}/api/1/fleets/${encodeURIComponent(options.fleet)}`;
  const call = async <T>(path: string, init: RequestInit): Promise<T> => {
    const headers = { authorization: `Bearer ${options.token}`, ...init.headers };
    const response = await reach(server, `${base}${path}`, { ...init, headers });
    if (!response.ok) throw await refusal(server, response);
    return (response.status === 204 ? undefined : await response.json()) as T;
  };
  const send = <T>(method: string, path: string, body: unknown): Promise<T> =>
    call(path, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const all = async <T>(path: string): Promise<T[]> => {
    const items: T[] = [];
    let cursor = '';
    do {
      const joint = path.includes('?') ? '&' : '?';
      const query = cursor === '' ? '' : `${joint}cursor=${encodeURIComponent(cursor)}`;
      const page = await call<Page<T>>(`${path}${query}`, {});
      items.push(...page.items);
      cursor = page.next ?? '';
    } while (cursor !== '');
    return items;
  };
  return {
    base,
    all,
    get: (path) => call(path, {}),
    post: (path, body = {}) => send('POST', path, body),
    put: (path, body) => send('PUT', path, body),
    patch: (path, body) => send('PATCH', path, body),
    delete: (path) => call(path, { method: 'DELETE' }),
    upload: (path, type, chunks) =>
      call(path, {
        method: 'POST',
        headers: { 'content-type': type },
        body: Readable.toWeb(Readable.from(chunks)) as ReadableStream<Uint8Array>,
        duplex: 'half',
      } as RequestInit),
  };
}

async function reach(server: string, url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
    const reason = inner instanceof Error ? inner.message : String(inner);
    throw new FlotillaError('api.unreachable', { server, reason }, { cause });
  }
}

async function refusal(server: string, response: Response): Promise<FlotillaError> {
  const text = await response.text();
  const status = response.status;
  const problem = parseProblem(text);
  const detail = problem.detail ?? problem.title ?? (text.slice(0, 200) || `status ${status}`);
  const { selector, at, field, code } = problem;
  const place = selector !== undefined && at !== undefined ? { selector, at } : {};
  return new FlotillaError('api.refused', { server, status, detail, code, field, ...place });
}

/** What an answer that refuses may hold (RFC 9457); a selector or a field that is wrong has its place. */
interface Problem {
  readonly detail?: string;
  readonly title?: string;
  readonly selector?: string;
  readonly at?: number;
  readonly code?: string;
  readonly field?: string;
}

function parseProblem(text: string): Problem {
  const problem: Record<string, unknown> = {};
  try {
    Object.assign(problem, JSON.parse(text));
  } catch {
    // Not JSON: the server in front of the fleet server may have answered.
  }
  const { detail, title, selector, at, code, field } = problem;
  return {
    ...(typeof detail === 'string' && { detail }),
    ...(typeof title === 'string' && { title }),
    ...(typeof selector === 'string' && { selector }),
    ...(typeof at === 'number' && { at }),
    ...(typeof code === 'string' && { code }),
    ...(typeof field === 'string' && { field }),
  };
}
