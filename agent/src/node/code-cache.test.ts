import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const MODULE = new URL('./code-cache.ts', import.meta.url).href;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-code-'));
  await writeFile(join(folder, 'sum.mjs'), 'export const sum = (a, b) => a + b;');
});
afterAll(() => rm(folder, { recursive: true }));

/** A process that keeps compiled code in `data` and then loads a module. */
async function start(data: string): Promise<string> {
  const script = `
    const { useCodeCache } = await import(${JSON.stringify(MODULE)});
    useCodeCache(${JSON.stringify(data)});
    const { sum } = await import(${JSON.stringify(join(folder, 'sum.mjs'))});
    console.log(sum(1, 2));`;
  const { NODE_COMPILE_CACHE: _, ...env } = process.env;
  const args = ['--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  return stdout;
}

test('what was compiled is kept in the data folder', async () => {
  const data = join(folder, 'data');
  expect(await start(data)).toBe('3\n');
  expect(await readdir(join(data, 'cache/code'), { recursive: true })).not.toEqual([]);
  expect(await start(data)).toBe('3\n');
});

test('where the folder cannot be written, code is compiled as ever', async () => {
  await writeFile(join(folder, 'file'), '');
  expect(await start(join(folder, 'file'))).toBe('3\n');
});
