import { FlotillaError } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { readPage } from '../members.ts';
import type { MemberRow, Rollout } from '../store.ts';
import type { MemberState } from '../types.ts';

export interface MemberQuery {
  /** Key of the last member seen; empty at the beginning. */
  readonly after: string;
  readonly limit: number;
  /** Index of the wave that they come with. */
  readonly wave?: number | undefined;
  readonly state?: MemberState | undefined;
}

type Key = Pick<MemberRow, 'position' | 'device'>;

/** Names a member's place in the order of the pages. */
export const memberKey = ({ position, device }: Key): string => `${position}/${device}`;

/**
 * Members in the order of the waves; devices that take no part come first.
 *
 * @throws FlotillaError `request.invalid`
 */
export async function pageMembers(
  db: Kysely<Database>,
  rollout: Pick<Rollout, 'fleet' | 'id' | 'sizes'>,
  { after, limit, wave, state }: MemberQuery,
): Promise<MemberRow[]> {
  const begin = after === '' ? undefined : parseKey(after);
  return readPage(db, rollout, { limit, after: begin, state, ...rangeOf(rollout.sizes, wave) });
}

/** Late joiners come after all others and belong to the last wave. */
function rangeOf(sizes: readonly number[], wave: number | undefined) {
  if (wave === undefined) return {};
  const to = wave + 1 < sizes.length ? sizes[wave] : undefined;
  return { from: sizes[wave - 1] ?? 0, to };
}

function parseKey(key: string): Key {
  const [, position, device] = /^(-?\d{1,9})\/([0-9a-z]{1,40})$/.exec(key) ?? [];
  if (position !== undefined && device !== undefined) return { position: Number(position), device };
  throw new FlotillaError('request.invalid', { where: 'cursor', reason: 'is not one of ours' });
}
