import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { packLayers } from './layers.ts';
import { findPackages } from './packages.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-packages-'));
});
afterEach(() => rm(folder, { recursive: true }));

const MANIFEST = {
  name: 'flotilla-agent',
  version: '0.2.0',
  os: ['linux'],
  cpu: ['arm64'],
  flotilla: { protocolMinor: 1 },
};

async function packageIn(name: string, manifest: object = MANIFEST): Promise<string> {
  const files = {
    'package.json': JSON.stringify(manifest),
    'flotilla-agent': '#!/bin/sh',
    'bin/node': 'node',
    'lib/flotilla-agent.js': 'main',
    'lib/node_modules/sharp/index.js': 'sharp',
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name, path)), { recursive: true });
    await writeFile(join(folder, name, path), text);
  }
  return join(folder, name);
}

async function archive(name: string, manifest?: object): Promise<string> {
  await packageIn(name, manifest);
  const file = join(folder, 'dist', `${name}.tar.gz`);
  await mkdir(dirname(file), { recursive: true });
  execFileSync('tar', ['-czf', file, '-C', folder, name]);
  return file;
}

const find = (path: string) => findPackages(path, join(folder, 'staging'));

describe('packages of the agent', () => {
  test('are found as a folder, as an archive, and as a folder of archives', async () => {
    const expected = { version: '0.2.0', arch: 'arm64', protocolMinor: 1 };
    expect(await find(await packageIn('unpacked'))).toMatchObject([expected]);
    const file = await archive('flotilla-agent-0.2.0-linux-arm64');
    const [found] = await find(file);
    expect(found).toMatchObject(expected);
    expect(await readFile(join(found?.folder ?? '', 'lib/flotilla-agent.js'), 'utf8')).toBe('main');
    await archive('flotilla-agent-0.2.0-linux-x64', { ...MANIFEST, cpu: ['x64'] });
    await rm(join(folder, 'staging'), { recursive: true });
    const both = await find(join(folder, 'dist'));
    expect(both.map(({ arch }) => arch)).toEqual(['arm64', 'x64']);
  });

  test.each([
    ['another program', { ...MANIFEST, name: 'left-pad' }, 'names another program'],
    ['another processor', { ...MANIFEST, cpu: ['mips'] }, 'it is for mips'],
    ['no version', { ...MANIFEST, version: undefined }, 'it has no version'],
    ['an agent from before updates', { ...MANIFEST, flotilla: undefined }, 'cannot update itself'],
  ])('are refused where one is of %s', async (_, manifest, reason) => {
    await expect(find(await packageIn('wrong', manifest))).rejects.toThrow(reason);
  });

  test('are refused where there is none, and where the archive is damaged', async () => {
    await expect(find(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'file.missing' });
    await expect(find(folder)).rejects.toThrow('holds no flotilla-agent-*.tar.gz');
    const file = join(folder, 'flotilla-agent-1.tar.gz');
    await writeFile(file, 'no archive');
    await expect(find(file)).rejects.toMatchObject({ code: 'release.invalid' });
  });

  test('give the same layers again, Node and libraries apart from the program', async () => {
    const one = await packLayers(await packageIn('one'));
    const two = await packLayers(await packageIn('two', { ...MANIFEST, version: '0.3.0' }));
    expect(one).toMatchObject({ files: 5 });
    expect(two.layers.node).toEqual(one.layers.node);
    expect(two.layers.libraries).toEqual(one.layers.libraries);
    expect(two.layers.program).not.toEqual(one.layers.program);
  });
});
