import { execFile } from 'node:child_process';
import type { Logger } from '../../core/index.ts';

/** The service manager that started this process (sd_notify(3)). */
export interface ServiceManager {
  /** Within this time a sign of life is due; undefined where none is asked for. */
  readonly watchdogMs: number | undefined;
  /** Sends assignments such as `READY=1`; a failure is logged and no error. */
  tell(...assignments: readonly string[]): Promise<void>;
}

const PATH = '/usr/local/bin:/usr/bin:/bin';
const LIMIT_MS = 10_000;

/**
 * systemd, where it started this process. Its socket takes datagrams, which Node has no API for:
 * systemd-notify(1) sends them, for that costs 5 ms a message, and a native binding costs 7 MB of
 * memory for good.
 */
export function findServiceManager(
  env: Readonly<Record<string, string | undefined>>,
  logger: Logger,
): ServiceManager | undefined {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: microseconds } = env;
  if (socket === undefined || socket === '') return undefined;
  const watchdogMs = Number(microseconds) / 1000;
  let warned = false;
  return {
    watchdogMs: watchdogMs > 0 ? watchdogMs : undefined,
    tell(...assignments) {
      const options = { env: { PATH, NOTIFY_SOCKET: socket }, timeout: LIMIT_MS };
      return new Promise((resolve) => {
        execFile('systemd-notify', assignments, options, (error) => {
          if (error !== null && !warned) logger.warn('systemd cannot be told', { error });
          warned ||= error !== null;
          resolve();
        });
      });
    },
  };
}
