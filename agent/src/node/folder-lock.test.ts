import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lockFolder } from './folder-lock.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-lock-'));
});
afterAll(() => rm(folder, { recursive: true }));

it('is held once, and again when it was let go', async () => {
  const unlock = await lockFolder(folder, 'agent');
  expect(await lockFolder(folder, 'agent')).toBeUndefined();
  await unlock?.();
  const again = await lockFolder(folder, 'agent');
  expect(again).toBeTypeOf('function');
  await again?.();
});

it('does not take a process that has no file left to open for another that holds it', async () => {
  const script = `
    import { openSync } from 'node:fs';
    import { lockFolder } from ${JSON.stringify(new URL('./folder-lock.ts', import.meta.url).href)};
    await (await lockFolder(process.argv[1], 'agent'))();
    try { for (;;) openSync('/dev/null'); } catch {}
    const said = await lockFolder(process.argv[1], 'agent').then(String, (error) => error.code);
    process.stdout.write(said);`;
  const shell = 'ulimit -n 60; exec "$0" --input-type=module -e "$1" "$2"';
  const run = promisify(execFile)('sh', ['-c', shell, process.execPath, script, folder]);
  expect((await run).stdout).toBe('EMFILE');
});
