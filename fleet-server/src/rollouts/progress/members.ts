import { FlotillaError } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { MemberRow, Rollout } from '../store.ts';
import type { MemberState } from '../types.ts';
import { shownBackState } from './counts.ts';

export interface MemberFilter {
  /** Index of the wave that they come with. */
  readonly wave?: number;
  readonly state?: MemberState;
}

/** @param after key of the last member seen, empty at the beginning */
export interface MemberPage extends MemberFilter {
  readonly after: string;
  readonly limit: number;
}

/** Key of a member in the order of the pages. */
export const memberKey = ({ position, device }: Pick<MemberRow, 'position' | 'device'>): string =>
  `${position}/${device}`;

/**
 * Members in the order of the waves; devices that take no part come first.
 *
 * @throws FlotillaError `request.invalid`
 */
export async function pageMembers(
  db: Kysely<Database>,
  { fleet, id, sizes }: Pick<Rollout, 'fleet' | 'id' | 'sizes'>,
  { after, limit, wave, state }: MemberPage,
): Promise<MemberRow[]> {
  let query = db
    .selectFrom('rollout_members')
    .selectAll()
    .select(shownBackState.as('shown_back'))
    .where('fleet', '=', fleet)
    .where('rollout', '=', id);
  if (state !== undefined) query = query.where('state', '=', state);
  if (wave !== undefined) {
    query = query.where('position', '>=', sizes[wave - 1] ?? 0);
    // late joiners come after all others and belong to the last wave
    const end = wave + 1 < sizes.length ? (sizes[wave] ?? 0) : undefined;
    if (end !== undefined) query = query.where('position', '<', end);
  }
  if (after !== '') {
    const { position, device } = parseKey(after);
    query = query.where((e) =>
      e.or([
        e('position', '>', position),
        e.and([e('position', '=', position), e('device', '>', device)]),
      ]),
    );
  }
  const rows = await query.orderBy('position').orderBy('device').limit(limit).execute();
  return rows.map(({ shown_back, ...row }) => ({ ...row, back_state: shown_back }) as MemberRow);
}

function parseKey(key: string): { position: number; device: string } {
  const [, position, device] = /^(-?\d{1,9})\/([0-9a-z]{1,40})$/.exec(key) ?? [];
  if (position !== undefined && device !== undefined) return { position: Number(position), device };
  throw new FlotillaError('request.invalid', { where: 'cursor', reason: 'is not one of ours' });
}
