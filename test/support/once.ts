import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { until } from './until.ts';

const BUILD_MS = 180_000;

/**
 * A folder that is costly to fill and shared by suites of a run: the first suite that asks fills it,
 * the others wait.
 *
 * @throws Error in every suite, where filling it failed
 */
export async function oncePerRun(
  name: string,
  fill: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(inject('runFolder'), name);
  const [done, failed] = [join(folder, 'done'), join(folder, 'failed')];
  const first = await mkdir(folder).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );
  if (first) {
    await fill(folder).catch(async (error) => {
      await writeFile(failed, String(error));
      throw error;
    });
    await writeFile(done, '');
    return folder;
  }
  const exists = (file: string) => stat(file).then(() => true);
  await until(
    `${name}, made by another suite`,
    () => exists(done).catch(() => exists(failed)),
    BUILD_MS,
  );
  const reason = await readFile(failed, 'utf8').catch(() => undefined);
  if (reason !== undefined) throw new Error(`${name} could not be made: ${reason}`);
  return folder;
}
