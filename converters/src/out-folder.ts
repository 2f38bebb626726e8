import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { FlotillaError } from '@flotilla/protocol';

/**
 * Says before any work is done that bundles could not be written.
 *
 * @throws FlotillaError `convert.request-invalid`
 */
export async function checkOutFolder(out: string): Promise<void> {
  const nearest = await nearestThatExists(resolve(out));
  const fail = (reason: string): never => {
    throw new FlotillaError('convert.request-invalid', {
      field: 'out',
      reason: `${out} ${reason}`,
    });
  };
  if (!(await isFolder(nearest))) fail(`cannot be a folder: ${nearest} is a file; name another`);
  await access(nearest, constants.W_OK | constants.X_OK).catch(() =>
    fail(`cannot be written: this user may not write in ${nearest}; name another`),
  );
}

async function nearestThatExists(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined || dirname(path) === path ? path : nearestThatExists(dirname(path));
}

/**
 * Where bundles are put together before they are renamed into a folder: in it where it is there,
 * since it may be a file system of its own, else beside it.
 */
export async function stagingFolder(folder: string, suffix: string): Promise<string> {
  const parent = (await isFolder(folder)) ? folder : dirname(folder);
  return join(parent, `.${basename(folder)}-${suffix}.tmp`);
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}
