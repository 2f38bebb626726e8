import { execFile } from 'node:child_process';

export interface Executed {
  readonly code: number;
  readonly stdout: string;
}

/** Runs a program of the system to its end; undefined where it is not installed. */
export type Execute = (
  program: string,
  ...args: readonly string[]
) => Promise<Executed | undefined>;

const LIMIT_MS = 5_000;
/** systemctl and its like lie in `sbin` on some systems, which users do not search. */
const PATH = '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin';

export const execute: Execute = (program, ...args) => {
  const options = { timeout: LIMIT_MS, maxBuffer: 1 << 16, env: { PATH, LC_ALL: 'C' } };
  return new Promise((resolve) => {
    execFile(program, args, options, (error, stdout) => {
      if (error === null) return resolve({ code: 0, stdout });
      resolve(error.code === 'ENOENT' ? undefined : { code: Number(error.code) || 1, stdout });
    });
  });
};
