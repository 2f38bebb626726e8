import type { Kysely, Selectable } from 'kysely';
import type { Database, VariantsTable } from '../db/schema.ts';
import { assignDeployment } from '../devices/deployments.ts';
import { readName, setMember } from './members.ts';
import { orderFor } from './order.ts';
import { addEvent, type MemberRow, type Rollout } from './store.ts';
import { isVariantFault } from './variant-fault.ts';

/** A variant that a device gets where those before it failed there. */
type Rung = Pick<MemberRow, 'digest' | 'precision' | 'target_path' | 'bytes'>;

/** Variants in the order in which they are tried, as a member keeps them; empty where there is but one. */
export function storedLadder(variants: readonly Selectable<VariantsTable>[]): string {
  if (variants.length < 2) return '';
  const rungs: Rung[] = variants.map(({ digest, precision, target_path, bytes }) => ({
    ...{ digest, precision, target_path, bytes },
  }));
  return JSON.stringify(rungs);
}

type Place = Pick<MemberRow, 'ladder' | 'rung'>;

export const rungsOf = ({ ladder }: Pick<MemberRow, 'ladder'>): readonly Rung[] =>
  ladder === '' ? [] : (JSON.parse(ladder) as Rung[]);

/** What is tried after a failure with this code; undefined where the device keeps what it ran. */
export function nextRung(member: Place, code: string): Rung | undefined {
  return isVariantFault(code) ? rungsOf(member)[member.rung + 1] : undefined;
}

/**
 * Gives a device the next variant of its ladder, in a deployment of its own, where its failure was
 * the variant's.
 *
 * @returns false where the ladder ends here
 */
export async function fallBack(
  trx: Kysely<Database>,
  rollout: Rollout,
  member: MemberRow,
  now: number,
): Promise<boolean> {
  const next = nextRung(member, member.code);
  if (next === undefined) return false;
  const failure = `${member.precision} failed here (${member.code})`;
  const tried = { ...next, reason: `${member.reason} ${failure}, so ${next.precision} is tried.` };
  const deployment = await assignDeployment(
    trx,
    orderFor(rollout, { ...member, ...tried }, now),
    now,
  );
  await setMember(trx, member, {
    ...{ ...tried, deployment, state: 'sent', rung: member.rung + 1 },
    ...{ attempt: 1, strikes: 0, started: 0, retryable: 0, tolerance_used: 0 },
    ...{ bytes_done: 0, bytes_total: 0 },
    ...{ sent_ms: now, ended_ms: 0, due_ms: now + rollout.settings.deadlineMs },
  });
  const why = [member.code, member.detail].filter((part) => part !== '').join(': ');
  const name = await readName(trx, member);
  const sentence = `${member.precision} failed on ${name} (${why}): ${next.precision} is tried`;
  await addEvent(trx, rollout, 'fallback', sentence.slice(0, 500), now);
  return true;
}
