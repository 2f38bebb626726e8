import { execFile } from 'node:child_process';
import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  chooseCandidates,
  type LibraryFile,
  libraryFolders,
  linkerCachePaths,
  PYTHON_FOLDER,
  PYTHON_ROOTS,
  WHEEL_FOLDERS,
} from './candidates.ts';

/** A system that is searched; left out, this one. */
export interface SearchedSystem {
  /** Root of its file system. */
  readonly root?: string;
  readonly arch?: string;
  /** What `ldconfig -p` prints there. */
  readonly linkerCache?: () => Promise<string>;
}

/** Libraries of ONNX Runtime in the well-known places of a system, most likely first. */
export async function systemLibraries(system: SearchedSystem = {}): Promise<string[]> {
  const { root = '/', arch = process.arch, linkerCache = readLinkerCache } = system;
  const cached = linkerCachePaths(await linkerCache()).map((path) => join(root, path));
  const files = await Promise.all([
    ...libraryFolders(arch).map((folder) => libraryFiles(join(root, folder))),
    existing(cached),
    ...(await wheelFolders(root)).map((folder) => libraryFiles(join(root, folder))),
  ]);
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
  return existing(names.map((name) => join(folder, name)));
}

/** A link may lead nowhere, and a cache may be old. */
async function existing(paths: readonly string[]): Promise<LibraryFile[]> {
  const files = await Promise.all(
    paths.map(async (path) => {
      const real = await realpath(path).catch(() => undefined);
      return real === undefined ? [] : [{ path, realPath: real }];
    }),
  );
  return files.flat();
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/** Empty where there is no ldconfig. */
async function readLinkerCache(): Promise<string> {
  const options = { maxBuffer: 16 << 20, timeout: 5_000 };
  return promisify(execFile)('/sbin/ldconfig', ['-p'], options).then(
    ({ stdout }) => stdout,
    () => '',
  );
}
