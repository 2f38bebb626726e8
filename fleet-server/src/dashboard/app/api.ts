import type { Session } from './session.ts';

/** What a call came to; `status` is 0 where no server answered. */
export type Answer<T> = { readonly ok: true; readonly value: T } | Refusal;

export interface Refusal {
  readonly ok: false;
  readonly status: number;
  /** One line for a person. */
  readonly detail: string;
  /** The server's word for what is wrong. */
  readonly code?: string;
  /** Field of the body that is wrong. */
  readonly field?: string;
  /** Character of a selector that is wrong, from 1. */
  readonly at?: number;
}

export interface Api {
  get<T>(path: string): Promise<Answer<T>>;
  /** Every item of a list, page by page, at most `most`. */
  all<T>(path: string, most?: number): Promise<Answer<T[]>>;
  /** @param key of a body that must not be acted on twice, where an answer is lost and it is sent again */
  post<T>(path: string, body?: unknown, key?: string): Promise<Answer<T>>;
  readonly eventsUrl: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

/** @param onRefused told when the server does not take the token any more */
export function createApi({ token, fleet }: Session, onRefused: () => void): Api {
  const base = `/api/1/fleets/${encodeURIComponent(fleet)}`;
  const headers = { authorization: `Bearer ${token}` };

  async function call<T>(path: string, init: RequestInit): Promise<Answer<T>> {
    try {
      const response = await fetch(`${base}${path}`, {
        ...init,
        cache: 'no-store',
        credentials: 'omit',
        headers: { ...headers, ...init.headers },
      });
      if (response.ok) return { ok: true, value: (await response.json()) as T };
      if (response.status === 401) onRefused();
      return await refusalOf(response);
    } catch {
      const detail = 'the fleet server does not answer';
      return { ok: false, status: 0, detail };
    }
  }

  async function all<T>(path: string, most = 10_000): Promise<Answer<T[]>> {
    const items: T[] = [];
    const joint = path.includes('?') ? '&' : '?';
    let cursor: string | undefined = '';
    while (cursor !== undefined && items.length < most) {
      const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page: Answer<Page<T>> = await call(`${path}${joint}limit=500${query}`, {});
      if (!page.ok) return page;
      items.push(...page.value.items);
      cursor = page.value.next;
    }
    return { ok: true, value: items };
  }

  return {
    all,
    headers,
    eventsUrl: `${base}/events`,
    get: (path) => call(path, {}),
    post: (path, body = {}, key) =>
      call(path, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: {
          'content-type': 'application/json',
          ...(key !== undefined && { 'idempotency-key': key }),
        },
      }),
  };
}

/** What an RFC 9457 problem says. */
async function refusalOf(response: Response): Promise<Refusal> {
  const problem = (await response.json().catch(() => ({}))) as Readonly<Record<string, unknown>>;
  const text = (key: string) => (typeof problem[key] === 'string' ? problem[key] : '');
  const { status } = response;
  const detail = text('detail') || `status ${status}`;
  const { at } = problem;
  const place = typeof at === 'number' ? { at } : {};
  return { ok: false, status, detail, code: text('code'), field: text('field'), ...place };
}
