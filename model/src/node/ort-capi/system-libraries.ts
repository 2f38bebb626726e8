import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import {
  chooseCandidates,
  type LibraryFile,
  libraryFolders,
  PYTHON_FOLDER,
  PYTHON_ROOTS,
  WHEEL_FOLDERS,
} from './candidates.ts';

/**
 * Libraries of ONNX Runtime in the well-known places of a system, most likely first.
 *
 * @param root of the file system
 */
export async function systemLibraries(root = '/', arch: string = process.arch): Promise<string[]> {
  const folders = [...libraryFolders(arch), ...(await wheelFolders(root))];
  const files = await Promise.all(folders.map((folder) => libraryFiles(join(root, folder))));
  return chooseCandidates(files.flat());
}

async function wheelFolders(root: string): Promise<string[]> {
  const found = await Promise.all(
    PYTHON_ROOTS.map(async (folder) => {
      const names = await namesIn(join(root, folder));
      return names
        .filter((name) => PYTHON_FOLDER.test(name))
        .flatMap((name) => WHEEL_FOLDERS.map((rest) => join(folder, name, rest)));
    }),
  );
  return found.flat();
}

async function libraryFiles(folder: string): Promise<LibraryFile[]> {
  const names = (await namesIn(folder)).filter((name) => name.startsWith('libonnxruntime.so'));
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      // a link may lead nowhere
      const real = await realpath(path).catch(() => undefined);
      return real === undefined ? [] : [{ path, realPath: real }];
    }),
  );
  return files.flat();
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);
