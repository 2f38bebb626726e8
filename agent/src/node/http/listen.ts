import { lstat, rm } from 'node:fs/promises';
import { type AddressInfo, createConnection, type Server } from 'node:net';
import { FlotillaError } from '@flotilla/protocol';
import { usage } from '../config.ts';

/** There is no log-in: whoever reaches the address may use the models. */
const LOOPBACK = /^(?:http:\/\/)?(localhost|127(?:\.\d{1,3}){3}|\[::1\]):(\d{1,5})$/;
const UNIX = 'unix:';

/**
 * Listens on loopback or a Unix socket.
 *
 * @param address `HOST:PORT` (port 0 is any) or `unix:PATH`
 * @returns where it listens: `http://HOST:PORT` or `unix:PATH`
 * @throws FlotillaError `agent.port-in-use`, `cli.usage`
 */
export async function listenOn(server: Server, address: string): Promise<string> {
  try {
    if (address.startsWith(UNIX)) {
      const path = address.slice(UNIX.length);
      await clearSocket(path);
      await listening(server, { path });
      return address;
    }
    const [, host, port] = LOOPBACK.exec(address) ?? [];
    if (host === undefined || Number(port) > 65_535) {
      throw usage(`--http takes 127.0.0.1:PORT or unix:PATH, not ${address.slice(0, 120)}`);
    }
    await listening(server, { host: host.replace(/^\[|\]$/g, ''), port: Number(port) });
    return `http://${host}:${(server.address() as AddressInfo).port}`;
  } catch (cause) {
    const inUse = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
    if (!inUse) throw cause;
    throw new FlotillaError('agent.port-in-use', { address }, { cause });
  }
}

type Place = { readonly path: string } | { readonly host: string; readonly port: number };

const listening = (server: Server, place: Place) =>
  new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(place, () => {
      server.off('error', reject);
      resolve();
    });
  });

/** A socket that a killed agent left behind is removed; one that somebody answers on is not. */
async function clearSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (!found?.isSocket()) return;
  const answered = await new Promise<boolean>((resolve) => {
    const probe = createConnection(path);
    probe.once('connect', () => resolve(true)).once('error', () => resolve(false));
    probe.once('connect', () => probe.destroy());
  });
  if (!answered) await rm(path, { force: true });
}
