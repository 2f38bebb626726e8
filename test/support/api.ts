/** Client of a fleet server's API as an operator would script it. */
export interface Api {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
  /** Status and body of any answer, refusals too. */
  send(path: string, init: RequestInit): Promise<{ status: number; body: unknown }>;
}

/** @param path of every call begins below `/api/1/fleets/FLEET` */
export function createApi(url: string, token: string, fleet = 'default'): Api {
  const send = async (path: string, init: RequestInit) => {
    const headers = { authorization: `Bearer ${token}`, ...init.headers };
    const response = await fetch(`${url}/api/1/fleets/${fleet}${path}`, { ...init, headers });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  };
  const ask = async <T>(path: string, init: RequestInit): Promise<T> => {
    const { status, body } = await send(path, init);
    if (status >= 300) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
    return body as T;
  };
  return {
    send,
    get: (path) => ask(path, {}),
    post: (path, body) =>
      ask(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
  };
}

export interface ApiDevice {
  readonly device: string;
  readonly name: string;
  readonly online: boolean;
  readonly capabilities: { readonly selfUpdate?: boolean };
  readonly active: readonly { readonly slot: string; readonly version: number }[];
}

export interface Page<T> {
  readonly items: readonly T[];
}
