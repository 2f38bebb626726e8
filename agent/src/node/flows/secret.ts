import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

/** The first line of a file: a secret that the flows file need not hold. */
export async function readSecret(folder: string, file: string): Promise<string> {
  const text = await readFile(resolve(folder, file), 'utf8');
  return text.split(/\r?\n/, 1)[0] ?? '';
}
