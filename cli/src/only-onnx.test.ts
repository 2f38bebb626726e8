import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { refuseBundle } from './only-onnx.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-only-onnx-'));
  await writeFile(join(folder, 'a.flotilla'), 'damaged, and a bundle by its name');
  await writeFile(join(folder, 'renamed.onnx'), `oci-layout\0${' '.repeat(501)}`);
  await writeFile(join(folder, 'model.onnx'), '\x08\x08');
  await mkdir(join(folder, 'folder.flotilla'));
});
afterAll(() => rm(folder, { recursive: true }));

it.each(['a.flotilla', 'renamed.onnx'])(
  'says of %s that the model can be taken out',
  async (name) => {
    const file = join(folder, name);
    await expect(refuseBundle(file)).rejects.toThrow(
      `${file} is not a readable ONNX model (it is a bundle): take the model out with flotilla bundle extract ${file} -o model.onnx`,
    );
  },
);

it.each(['model.onnx', 'folder.flotilla', 'none.flotilla'])('leaves %s to others', async (name) => {
  await expect(refuseBundle(join(folder, name))).resolves.toBeUndefined();
});
