import { parseArgs } from 'node:util';
import { CONFIG } from '../config.ts';

/** The data folder as `run` will take it, of options that the launcher need not know. */
export function dataOf(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): string {
  const { flag, env: variable, default: fallback } = CONFIG.data;
  const { values } = parseArgs({
    args: [...args],
    options: { [flag]: { type: 'string' } },
    strict: false,
    allowPositionals: true,
  });
  const given = values[flag];
  return (typeof given === 'string' ? given : env[variable]) || fallback;
}

/** Where the launched agent logs, in the same manner. */
export function logLine(text: string): void {
  const line = { level: 40, time: Date.now(), msg: text };
  process.stderr.write(`${JSON.stringify(line)}\n`);
}
