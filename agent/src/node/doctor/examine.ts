import type { FindOptions } from '@flotilla/model/node';
import { findEnrolment } from '../data-folder.ts';
import { readCapabilities } from '../device/capabilities.ts';
import { readCondition } from '../device/condition.ts';
import { type SystemFiles, systemFiles } from '../device/system-files.ts';
import { execute } from '../execute.ts';
import { type Patient, type Result, runChecks } from './check.ts';
import { DATA_CHECKS } from './data-checks.ts';
import { HARDWARE_CHECKS } from './hardware-checks.ts';
import { lookForRuntimes } from './look-for-runtimes.ts';
import { NETWORK_CHECKS } from './network-checks.ts';
import { SYSTEM_CHECKS } from './system-checks.ts';

/** In the order in which they are told. */
export const CHECKS = [
  ...HARDWARE_CHECKS,
  ...SYSTEM_CHECKS,
  ...DATA_CHECKS,
  ...NETWORK_CHECKS,
] as const;

/** Looks at a device, with or without an enrolment, while an agent runs or not. */
export async function examine(
  data: string,
  { files = systemFiles(), ...options }: FindOptions & { readonly files?: SystemFiles } = {},
): Promise<Result[]> {
  return runChecks(CHECKS, await admit(data, files, options));
}

async function admit(data: string, files: SystemFiles, options: FindOptions): Promise<Patient> {
  let damage: string | undefined;
  const enrolment = await findEnrolment(data).catch((error: unknown) => {
    damage = error instanceof Error ? error.message : String(error);
    return undefined;
  });
  const runtimes = await lookForRuntimes(options);
  const capabilities = await readCapabilities({
    data,
    target: enrolment?.target ?? '',
    runtimes: runtimes.found,
    files,
  });
  const condition = await readCondition(files);
  return { data, files, capabilities, condition, runtimes, enrolment, damage, execute };
}
