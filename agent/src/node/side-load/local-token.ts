import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FlotillaError } from '@flotilla/protocol';
import { writeFileDurably } from '@flotilla/protocol/node';
import type { Logger } from '../../core/index.ts';

const FILE = 'local-token';

/**
 * A new token for the life of an agent, in a file that its user alone may read: it tells commands of
 * that user from other programs on the device, which may use the models and not change them. Where
 * the disk is full, no command gets it, and the models serve all the same.
 */
export async function makeLocalToken(data: string, logger: Logger): Promise<string> {
  const token = randomBytes(32).toString('hex');
  await writeFileDurably(join(data, FILE), token, { mode: 0o600 }).catch((error) => {
    logger.error('commands on the device cannot change models', { error });
  });
  return token;
}

/**
 * @returns undefined where no agent ever ran there
 * @throws FlotillaError `agent.foreign-folder`
 */
export async function readLocalToken(data: string): Promise<string | undefined> {
  try {
    return (await readFile(join(data, FILE), 'utf8')).trim();
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT') return undefined;
    throw new FlotillaError('agent.foreign-folder', { data }, { cause });
  }
}

export const bearer = (token: string): string => `Bearer ${token}`;

/** Whether a request carries the token; takes as long for a wrong one as for the right one. */
export function isAllowed(authorization: string | undefined, token: string): boolean {
  const [given, right] = [Buffer.from(authorization ?? ''), Buffer.from(bearer(token))];
  return given.length === right.length && timingSafeEqual(given, right);
}
