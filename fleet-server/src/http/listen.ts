import { once } from 'node:events';
import type { Server } from 'node:net';
import { FlotillaError } from '@flotilla/protocol';

/**
 * Binds a server.
 *
 * @param what listens, for the error: `HTTP server`, `MQTT broker`
 * @returns the port, which differs from the one asked for where that was 0
 * @throws FlotillaError `server.port-in-use`, `server.cannot-listen`
 */
export async function listenOn(
  server: Server,
  host: string,
  port: number,
  what: string,
): Promise<number> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const address = `${urlHost(host)}:${port}`;
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new FlotillaError('server.port-in-use', { what, address }, { cause });
    }
    throw new FlotillaError('server.cannot-listen', { what, address, reason: code }, { cause });
  }
  const address = server.address();
  return address !== null && typeof address === 'object' ? address.port : port;
}

/** A host as it stands in a URL: IPv6 addresses take brackets (RFC 3986 §3.2.2). */
export const urlHost = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** Whether only this machine can reach it. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
