import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { holdFleetFile } from './fleet-file.ts';

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-simulation-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test.runIf(process.platform === 'linux')('a fleet is of one simulation at a time', async () => {
  const folder = await emptyFolder();
  const release = await holdFleetFile(folder);
  await expect(holdFleetFile(folder)).rejects.toThrow(
    `cannot be used: it is in use by process ${process.pid}; name another folder with --data`,
  );
  await release();
  await (await holdFleetFile(folder))();
  expect(await readdir(folder)).toEqual([]);
});

test('a folder that cannot be written is not held', async () => {
  const folder = await emptyFolder();
  const inTheWay = join(folder, 'simulation.pid');
  await mkdir(inTheWay);
  await expect(holdFleetFile(folder)).rejects.toThrow(`${folder} cannot be used: `);
  await rm(inTheWay, { recursive: true });
  await (await holdFleetFile(folder))();
});
