import { access, constants, mkdtemp, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { syncFolder } from '@flotilla/protocol/node';
import { invalid } from './settings.ts';

/**
 * Says before any work is done that a model could not be written.
 *
 * @param out the file; its weights may go to `out` + `.data`
 * @param sources files that are still read then
 * @throws FlotillaError `convert.request-invalid`
 */
export async function checkOutFile(out: string, sources: readonly string[]): Promise<void> {
  const read = new Set(await Promise.all(sources.map((file) => realpath(file))));
  for (const path of [out, `${out}.data`]) {
    if (out === '' || (await stat(path).catch(() => undefined))?.isDirectory()) {
      throw invalid('out', `${JSON.stringify(path)} is no file: name one`);
    }
    if (read.has(await realpath(path).catch(() => ''))) {
      throw invalid('out', `${path} would overwrite the model that is read: name another file`);
    }
  }
  const folder = dirname(out);
  if (!(await stat(folder).catch(() => undefined))?.isDirectory()) {
    throw invalid('out', `${out} lies in no folder: make ${folder} first, or name another file`);
  }
  await access(folder, constants.W_OK | constants.X_OK).catch(() => {
    throw invalid('out', `${out} cannot be written: this user may not write in ${folder}`);
  });
}

/**
 * Has files made in a folder of their own beside `out`, and gives them their names when all is well:
 * what is there already stays until then.
 *
 * @param make gets the path of `out` in that folder, and says which files it wrote, that one first
 * @returns the paths in the end
 */
export async function writeBeside<T>(
  out: string,
  make: (path: string) => Promise<{ readonly files: readonly string[]; readonly value: T }>,
): Promise<{ readonly files: readonly string[]; readonly value: T }> {
  const folder = dirname(out);
  const staging = await mkdtemp(join(folder, `.${basename(out)}-`));
  try {
    const { files, value } = await make(join(staging, basename(out)));
    // Never an old model beside new weights.
    await rm(out, { force: true });
    for (const file of files.toReversed()) await rename(file, join(folder, basename(file)));
    await syncFolder(folder);
    return { files: files.map((file) => join(folder, basename(file))), value };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}
