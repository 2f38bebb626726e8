/** Addresses that stand for every interface of this machine. */
const WILDCARDS = new Set(['0.0.0.0', '[::]']);

/**
 * A URL as the caller can use it: where the server listens on every interface, the host is the one
 * under which the caller has just reached it.
 *
 * @param host of the request: `name:port`
 */
export function reachableFrom(url: string, host: string): string {
  const parsed = URL.parse(url);
  const caller = URL.parse(`http://${host}`);
  if (parsed === null || caller === null || !WILDCARDS.has(parsed.hostname)) return url;
  return url.replace(parsed.hostname, caller.hostname);
}
