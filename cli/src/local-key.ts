import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FlotillaError, isFlotillaError } from '@flotilla/protocol';
import { generateKeyPair, type KeyPair, writeFileDurably } from '@flotilla/protocol/node';

/** The signing key of whoever works without a server; made at first use, readable by its owner only. */
export interface LocalKey {
  readonly file: string;
  readonly keyPair: KeyPair;
  /** True when this call made it. */
  readonly isNew: boolean;
}

/** @throws FlotillaError `key.invalid` where the file holds none, `config.invalid` for a bad home */
export async function localKey(home: string): Promise<LocalKey> {
  try {
    return await openKey(join(home, 'signing-key.json'), home);
  } catch (cause) {
    if (isFlotillaError(cause)) throw cause;
    const said = cause instanceof Error ? cause.message : String(cause);
    const reason = `no key can be kept in ${home} (${said}): name a folder of yours`;
    throw new FlotillaError('config.invalid', { key: 'FLOTILLA_HOME', reason }, { cause });
  }
}

async function openKey(file: string, home: string): Promise<LocalKey> {
  const text = await readFile(file, 'utf8').catch(missing);
  if (text !== undefined) return { file, keyPair: parse(text, file), isNew: false };
  const keyPair = generateKeyPair();
  await mkdir(home, { recursive: true, mode: 0o700 });
  await writeFileDurably(file, `${JSON.stringify(keyPair, null, 2)}\n`, { mode: 0o600 });
  return { file, keyPair, isNew: true };
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}

function parse(text: string, file: string): KeyPair {
  try {
    const { publicKey, privateKey } = JSON.parse(text) as Partial<KeyPair>;
    if (typeof publicKey === 'string' && typeof privateKey === 'string') {
      return { publicKey, privateKey };
    }
  } catch {
    // Refused below, like any other file that is no key.
  }
  throw new FlotillaError('key.invalid', { reason: `${file} is not a signing key of Flotilla` });
}
