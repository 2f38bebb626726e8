import { isFlotillaError } from '@flotilla/protocol';

/** As the reference profile allows; a thousand classes and more are common. */
export const MAX_CLASSES = 4096;
export const MAX_NAME = 512;
const MAX_COUNT = 1e12;

export const isCount = (n: number): boolean => Number.isSafeInteger(n) && n >= 0 && n <= MAX_COUNT;

/** Why these are no counts; false where they are. */
export function wrongCounts(what: string, counts: readonly number[], most: number): string | false {
  if (counts.length > most) return `it has ${counts.length} ${what}, at most ${most}`;
  return !counts.every(isCount) && `its ${what} are no counts`;
}

/** Why a sketch cannot be read; false where it can. */
export function unreadable(read: () => unknown): string | false {
  try {
    read();
    return false;
  } catch (error) {
    if (isFlotillaError(error)) return error.message;
    throw error;
  }
}
