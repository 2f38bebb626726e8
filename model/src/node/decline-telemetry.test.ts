import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { reluModel } from '../testing/tiny-onnx.ts';
import { bundledLibrary } from './testing/bundled-library.ts';

const LIBRARY = JSON.stringify(bundledLibrary());
const RUNTIMES = [
  ['./ort-runtime.ts', 'ortRuntime()'],
  ['./worker-runtime.ts', 'workerRuntime()'],
  ['./ort-capi/runtime.ts', `deviceOrtRuntime(${LIBRARY})`],
] as const;

// ONNX Runtime keeps its log in TMPDIR and its database in the cache of the user
test.each(RUNTIMES)(
  'a process that runs a model as %s does leaves no log and no database behind',
  async (file, runtime) => {
    const home = await mkdtemp(join(tmpdir(), 'flotilla-home-'));
    onTestFinished(() => rm(home, { recursive: true, force: true }));
    const model = join(await mkdtemp(join(home, 'model-')), 'model.onnx');
    await writeFile(model, reluModel([1, 4]));
    const script = `
      import * as module from ${JSON.stringify(new URL(file, import.meta.url).href)};
      const session = await module.${runtime}.load(${JSON.stringify(model)});
      await session.dispose();`;
    const before = await readdir(home);
    // no more than this: with CI or a test's own variable it would not report in any case
    const env = { PATH: process.env.PATH, HOME: home, TMPDIR: home, XDG_CACHE_HOME: home };
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env });
    expect(await readdir(home)).toEqual(before);
  },
);
