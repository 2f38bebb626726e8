import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { makePrograms } from './programs.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder of this run of the tests, for what is costly and shared by suites. */
    runFolder: string;
  }
}

/** Global set-up of vitest: makes the run's folder, and removes it when all suites are done. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-run-'));
  await makePrograms(join(folder, 'programs'));
  project.provide('runFolder', folder);
  return () => rm(folder, { recursive: true, force: true });
}
