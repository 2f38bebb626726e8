import { destination, pino } from 'pino';
import type { Logger } from '../core/index.ts';

type Level = keyof Logger;

/** One JSON object a line on standard error; errors with code and message, without secrets. */
export function createLogger(level: string): Logger {
  const log = pino({ level, base: undefined }, destination({ fd: 2, sync: true }));
  const at =
    (name: Level): Logger[Level] =>
    (message, fields = {}) => {
      const { error, ...rest } = fields;
      log[name]({ ...rest, ...(error === undefined ? {} : { err: error }) }, message);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
