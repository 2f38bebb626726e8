import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { holdFleetFile } from './fleet-file.ts';

test.runIf(process.platform === 'linux')('a fleet is of one simulation at a time', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-simulation-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const release = await holdFleetFile(folder);
  await expect(holdFleetFile(folder)).rejects.toThrow(
    `cannot be used: it is in use by process ${process.pid}; name another folder with --data`,
  );
  await release();
  await (await holdFleetFile(folder))();
});
