import type { Capabilities } from '@flotilla/protocol';
import type { Condition } from '../../core/index.ts';
import type { Enrolment } from '../data-folder.ts';
import type { SystemFiles } from '../device/system-files.ts';
import type { Execute } from '../execute.ts';
import type { RuntimesHere } from './look-for-runtimes.ts';

/** What a check found; where it is not well, what to do. */
export type Finding =
  | { readonly verdict: 'ok'; readonly finding: string }
  | { readonly verdict: 'warn' | 'fail'; readonly finding: string; readonly remedy: string };

/** What the checks look at. */
export interface Patient {
  /** The data folder. */
  readonly data: string;
  readonly files: SystemFiles;
  readonly capabilities: Capabilities;
  readonly condition: Condition;
  readonly runtimes: RuntimesHere;
  /** Undefined where the folder holds no enrolled device. */
  readonly enrolment: Enrolment | undefined;
  /** Why there is a device in the folder that cannot be read. */
  readonly damage: string | undefined;
  readonly execute: Execute;
}

export interface Check {
  /** At most ten characters. */
  readonly name: string;
  run(patient: Patient): Finding | Promise<Finding>;
}

export type Result = Finding & { readonly name: string };

/** A check that waits for a network or a disk that does not answer must end too. */
const LIMIT_MS = 15_000;

/** All at once; the results come in the order of the checks. */
export function runChecks(checks: readonly Check[], patient: Patient): Promise<Result[]> {
  return Promise.all(
    checks.map(async (check) => ({ name: check.name, ...(await runCheck(check, patient)) })),
  );
}

async function runCheck(check: Check, patient: Patient): Promise<Finding> {
  const timeUp = Promise.withResolvers<Finding>();
  const seconds = LIMIT_MS / 1000;
  const late = fail(`no answer within ${seconds} s`, 'run the doctor again when less goes on here');
  const timer = setTimeout(() => timeUp.resolve(late), LIMIT_MS);
  try {
    return await Promise.race([check.run(patient), timeUp.promise]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail(`could not be checked: ${reason}`, 'report this as a defect, with this line');
  } finally {
    clearTimeout(timer);
  }
}

export const ok = (finding: string): Finding => ({ verdict: 'ok', finding });
export const warn = (finding: string, remedy: string): Finding => ({
  verdict: 'warn',
  finding,
  remedy,
});
export const fail = (finding: string, remedy: string): Finding => ({
  verdict: 'fail',
  finding,
  remedy,
});

export const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
