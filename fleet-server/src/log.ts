import { destination, type Logger, pino } from 'pino';

/** Fields whose values never reach a log. */
const SECRETS = ['authorization', 'token', 'secret', 'password', 'privateKey', 'jwt'];

/** Logs as JSON lines on standard error: standard output belongs to whoever runs the server. */
export function createLog(level: string): Logger {
  const paths = SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  const redact = { paths, censor: '[secret]' };
  return pino({ level, redact, base: null }, destination({ fd: 2, sync: true }));
}
