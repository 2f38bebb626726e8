import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chooseCandidates } from './candidates.ts';
import { systemLibraries } from './system-libraries.ts';

const file = (path: string, realPath = path) => ({ path, realPath });

describe('candidates for the library', () => {
  test('one file for all the links to it, the newest version of a folder first', () => {
    const folder = '/usr/lib/aarch64-linux-gnu';
    const newest = `${folder}/libonnxruntime.so.1.18.0`;
    expect(
      chooseCandidates([
        file(`${folder}/libonnxruntime.so`, newest),
        file(`${folder}/libonnxruntime.so.1`, newest),
        file(`${folder}/libonnxruntime.so.1.9.1`),
        file(newest),
      ]),
    ).toEqual([newest, `${folder}/libonnxruntime.so.1.9.1`]);
  });

  test('folders come in the order given', () => {
    const paths = ['/usr/local/lib/libonnxruntime.so.1.15.0', '/usr/lib/libonnxruntime.so.1.20.0'];
    expect(chooseCandidates(paths.map((path) => file(path)))).toEqual(paths);
  });

  test('neither providers nor other files are taken for it', () => {
    const names = ['libonnxruntime_providers_cuda.so', 'libonnxruntime.so.bak', 'libonnxruntime.a'];
    expect(chooseCandidates(names.map((name) => file(`/usr/lib/${name}`)))).toEqual([]);
  });
});

/** As ldconfig of Debian 12 prints it. */
const CACHE = `3 libs found in cache \`/etc/ld.so.cache'
\tlibz.so.1 (libc6,AArch64) => /lib/aarch64-linux-gnu/libz.so.1
\tlibonnxruntime.so.1 (libc6,AArch64) => /opt/vendor/lib/libonnxruntime.so.1
\tlibonnxruntime.so.1 (libc6,AArch64) => /opt/gone/lib/libonnxruntime.so.1
`;

test('a system is searched where JetPack and the wheels of Python put it', async () => {
  const root = await mkdtemp(join(tmpdir(), 'flotilla-system-'));
  const put = async (path: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), '');
  };
  try {
    const system = { root, arch: 'arm64', linkerCache: async () => CACHE };
    expect(await systemLibraries(system)).toEqual([]);
    const wheel = 'usr/local/lib/python3.10/dist-packages/onnxruntime/capi';
    await put(`${wheel}/libonnxruntime.so.1.18.0`);
    await put('usr/lib/aarch64-linux-gnu/libonnxruntime.so.1.16.3');
    await put('usr/lib/x86_64-linux-gnu/libonnxruntime.so.1.20.0');
    await symlink(
      'libonnxruntime.so.1.16.3',
      join(root, 'usr/lib/aarch64-linux-gnu/libonnxruntime.so'),
    );
    await symlink('nowhere', join(root, 'usr/local/lib/libonnxruntime.so'));
    await put('opt/vendor/lib/libonnxruntime.so.1');
    expect(await systemLibraries(system)).toEqual([
      join(root, 'usr/lib/aarch64-linux-gnu/libonnxruntime.so.1.16.3'),
      join(root, 'opt/vendor/lib/libonnxruntime.so.1'),
      join(root, `${wheel}/libonnxruntime.so.1.18.0`),
    ]);
  } finally {
    await rm(root, { recursive: true });
  }
});
