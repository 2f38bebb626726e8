import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDataFolder } from './data-folder.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-data-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('keeps its id from one opening to the next', async () => {
  const first = await openDataFolder(join(folder, 'new', 'data'));
  first.close();
  const second = await openDataFolder(join(folder, 'new', 'data'));
  second.close();
  expect(second.id).toBe(first.id);
});

it('refuses a second server, naming the one that runs', async () => {
  const first = await openDataFolder(folder);
  await expect(openDataFolder(folder)).rejects.toMatchObject({ code: 'server.data-in-use' });
  await expect(openDataFolder(folder)).rejects.toThrow(`process ${process.pid}`);
  first.close();
});

it('is free again after the server that held it was killed', async () => {
  const script = `
    import { openDataFolder } from ${JSON.stringify(join(import.meta.dirname, 'data-folder.ts'))};
    await openDataFolder(${JSON.stringify(folder)});
    console.log('held');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  await once(child.stdout, 'data');
  await expect(openDataFolder(folder)).rejects.toMatchObject({ code: 'server.data-in-use' });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const again = await openDataFolder(folder);
  again.close();
});

it('refuses a folder with other things in it and leaves it as it was', async () => {
  await writeFile(join(folder, 'holiday.jpg'), 'x');
  await expect(openDataFolder(folder)).rejects.toMatchObject({ code: 'server.data-foreign' });
  expect(await readdir(folder)).toEqual(['holiday.jpg']);
});

it.each([
  ['another kind', '{"kind":"flotilla agent","id":"x","format":1}', 'server.data-foreign'],
  ['a damaged marker', '{"kind":', 'server.data-foreign'],
  ['a newer format', '{"kind":"flotilla fleet server","id":"x","format":2}', 'server.data-newer'],
])('refuses %s', async (_, marker, code) => {
  await writeFile(join(folder, 'flotilla-server.json'), marker);
  await expect(openDataFolder(folder)).rejects.toMatchObject({ code });
  expect(await readdir(folder)).toEqual(['flotilla-server.json']);
});
