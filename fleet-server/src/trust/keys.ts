import { dirname, join } from 'node:path';
import { FlotillaError } from '@flotilla/protocol';
import { createSigner, generateKeyPair, type KeyPair, type Signer } from '@flotilla/protocol/node';
import { type FileSystem, storeWhole } from '../registry/file-system.ts';

const FILE = 'online.json';

/**
 * The server's online key, made at the first start and readable by its owner only. One key holds
 * every role; what it signs is lost with it, so it is on the disk before anything is signed.
 *
 * @param folder of the keys, in the data folder
 * @throws FlotillaError `key.invalid`
 */
export async function openSigner(folder: string, fs: FileSystem): Promise<Signer> {
  await fs.makeFolder(folder);
  await fs.syncFolder(dirname(folder));
  const path = join(folder, FILE);
  if ((await fs.size(path)) !== undefined) return createSigner(await readKey(path, fs));
  const made = generateKeyPair();
  await storeWhole(fs, folder, path, new TextEncoder().encode(JSON.stringify(made)));
  return createSigner(made);
}

async function readKey(path: string, fs: FileSystem): Promise<KeyPair> {
  const text = Buffer.concat(await fs.read(path).toArray()).toString('utf8');
  try {
    const { publicKey, privateKey } = JSON.parse(text) as Record<string, unknown>;
    return { publicKey: String(publicKey), privateKey: String(privateKey) };
  } catch (cause) {
    const reason = `${path} is damaged: put it back from a back-up`;
    throw new FlotillaError('key.invalid', { reason }, { cause });
  }
}
