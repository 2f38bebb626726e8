import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createSigner,
  generateKeyPair,
  type KeyPair,
  type Signer,
  writeFileDurably,
} from '@flotilla/protocol/node';

const FILE = 'online.json';

/**
 * The server's online key, made at the first start and readable by its owner only. In the beginning
 * it holds every role (DESIGN: root and targets move offline later), which the server says at start.
 *
 * @param folder of the keys, in the data folder
 * @throws FlotillaError `key.invalid`
 */
export async function openSigner(folder: string): Promise<Signer> {
  const path = join(folder, FILE);
  const known = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  if (known !== undefined) return createSigner(JSON.parse(known) as KeyPair);
  const made = generateKeyPair();
  await writeFileDurably(path, JSON.stringify(made), { mode: 0o600 });
  return createSigner(made);
}
