import { type IncomingMessage, request as plainRequest } from 'node:http';

export interface GetOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

const MAX_REDIRECTS = 5;
/** Statuses whose `Location` a GET follows (RFC 9110 §15.4). */
const REDIRECTS: ReadonlySet<number | undefined> = new Set([301, 302, 303, 307, 308]);

/**
 * A GET whose redirects are followed; what logs in stays with the origin that it is for. By
 * `node:http` and not by `fetch`, whose first call takes 12 MB of memory that a small device has
 * other use for; TLS is loaded with the first address that needs it.
 *
 * @throws Error where no answer comes, or the redirects do not end
 */
export async function httpGet(url: string, options: GetOptions): Promise<IncomingMessage> {
  let at = new URL(url);
  let { headers } = options;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await getOnce(at, { ...options, headers });
    const { location } = response.headers;
    if (!REDIRECTS.has(response.statusCode) || location === undefined) return response;
    response.resume();
    const next = new URL(location, at);
    if (next.origin !== at.origin) headers = withoutLogin(headers);
    at = next;
  }
  throw new Error(`more than ${MAX_REDIRECTS} redirects`);
}

async function getOnce(url: URL, { headers, signal }: GetOptions): Promise<IncomingMessage> {
  const request = await requestFor(url.protocol);
  return new Promise((resolve, reject) => {
    request(url, { headers, signal }, resolve).on('error', reject).end();
  });
}

async function requestFor(protocol: string): Promise<typeof plainRequest> {
  if (protocol === 'http:') return plainRequest;
  if (protocol === 'https:') return (await import('node:https')).request;
  throw new Error(`${protocol} is not fetched, but http and https`);
}

const withoutLogin = (headers: GetOptions['headers']) =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'),
  );
