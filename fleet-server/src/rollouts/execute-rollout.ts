import { type Kysely, type SqlBool, sql, type Updateable } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { RolloutsTable } from '../db/schema-telemetry.ts';
import { changeSlots } from '../devices/deployments.ts';
import { GATES } from './gates/index.ts';
import { plural } from './gates/text.ts';
import { withdrawShadows } from './kinds/shadows.ts';
import { type Rate, spend } from './pace/rate.ts';
import { addEvent, type Rollout } from './store.ts';
import type { ActionOf, HaltCause, MemberState } from './types.ts';

type Trx = Kysely<Database>;

export async function openWave(
  trx: Trx,
  rollout: Rollout,
  { wave, note }: ActionOf<'openWave'>,
  now: number,
): Promise<readonly string[]> {
  const size = rollout.sizes[wave];
  if (wave !== rollout.wave + 1 || size === undefined) return [];
  await setRollout(trx, rollout, { wave, accepted_gates: '' });
  if (note !== '') await addEvent(trx, rollout, 'note', `wave ${wave} ${note}`, now);
  const sentence = `wave ${wave + 1} of ${rollout.sizes.length} opened: ${plural(size, 'device')} in all`;
  await addEvent(trx, rollout, 'wave', sentence, now);
  return [];
}

export async function halt(
  trx: Trx,
  rollout: Rollout,
  { cause, sentence }: ActionOf<'halt'>,
  now: number,
): Promise<readonly string[]> {
  await setRollout(trx, rollout, { state: 'halted', halted_by: cause, sentence, rate_ms: 0 });
  // those that were asked are still heard: they come back by what they say
  await closeMembers(trx, rollout, ['pending']);
  await release(trx, rollout);
  await addEvent(trx, rollout, 'halt', `halted${byWhom(cause)}: ${sentence}`, now);
  return [];
}

function byWhom(cause: HaltCause): string {
  if (cause === 'time') return '';
  return cause === 'operator' ? ' by operator' : ` by gate "${GATES[cause].title}"`;
}

const NOT_ENDED: readonly MemberState[] = ['pending', 'sent', 'in-progress'];

/** Nobody is asked any more, and nothing is tried again. */
export async function closeMembers(
  trx: Trx,
  { fleet, id }: Pick<Rollout, 'fleet' | 'id'>,
  withdrawn: readonly MemberState[] = NOT_ENDED,
): Promise<void> {
  await trx
    .updateTable('rollout_members')
    .set({ state: 'withdrawn' })
    .where('fleet', '=', fleet)
    .where('rollout', '=', id)
    .where('state', 'in', withdrawn)
    .execute();
  await trx
    .updateTable('rollout_members')
    .set({ due_ms: 0 })
    .where('fleet', '=', fleet)
    .where('rollout', '=', id)
    .where(sql<SqlBool>`due_ms > 0`)
    .execute();
}

export async function finish(
  trx: Trx,
  rollout: Rollout,
  { state, note }: ActionOf<'finish'>,
  now: number,
): Promise<readonly string[]> {
  const mayBeDone =
    rollout.state === 'running' || (rollout.state === 'paused' && rollout.kind === 'shadow');
  if ((state === 'done') !== mayBeDone) return [];
  const sentence = [rollout.sentence, note].filter((part) => part !== '').join('; ');
  await setRollout(trx, rollout, { state, sentence, ended_ms: now });
  await closeMembers(trx, rollout);
  await release(trx, rollout);
  const title = rollout.kind === 'shadow' && state === 'done' ? 'done' : TITLES[state];
  const text = `${title}${note === '' ? '' : `: ${note}`}`;
  await addEvent(trx, rollout, 'end', text, now);
  const shadowed = await withdrawShadows(trx, rollout, rollout.parent || rollout.id);
  const freed = state === 'done' ? await letGoOfPrevious(trx, rollout) : [];
  return [...new Set([...shadowed, ...freed])];
}

const TITLES = {
  done: 'done: every device has been asked and no gate closed',
  'rolled-back': 'rolled back',
  aborted: 'aborted and rolled back',
} as const satisfies Record<ActionOf<'finish'>['state'], string>;

/** From here on the bundles of the version before need no longer be kept on the devices. */
async function letGoOfPrevious(trx: Trx, { fleet, id, slot }: Rollout): Promise<string[]> {
  const rows = await trx
    .selectFrom('rollout_members as m')
    .innerJoin('slots as s', (join) =>
      join
        .onRef('s.fleet', '=', 'm.fleet')
        .onRef('s.device', '=', 'm.device')
        .onRef('s.active', '=', 'm.deployment'),
    )
    .select('m.device')
    .where('m.fleet', '=', fleet)
    .where('m.rollout', '=', id)
    .where('m.state', '=', 'committed')
    .where('s.slot', '=', slot)
    .where('s.previous', '!=', '')
    .execute();
  const devices = rows.map(({ device }) => device);
  await changeSlots(trx, { fleet, slot }, devices, { previous: '' });
  return devices;
}

/** Lets other rollouts have the slot. */
export async function release(trx: Trx, { fleet, id }: Rollout): Promise<void> {
  await trx
    .deleteFrom('rollout_claims')
    .where('fleet', '=', fleet)
    .where('rollout', '=', id)
    .execute();
}

/** Notes that so many devices more were asked, each of which takes its part of the rate. */
export async function spendRate(
  trx: Trx,
  rollout: Rollout,
  rate: Rate,
  { committed }: { readonly committed: number },
  devices: number,
  now: number,
): Promise<void> {
  if (devices === 0) return;
  const spent = { rateMs: rollout.rateMs, committed };
  await setRollout(trx, rollout, { rate_ms: spend(rate, spent, devices, now) });
}

export async function setRollout(
  trx: Trx,
  { fleet, id }: Pick<Rollout, 'fleet' | 'id'>,
  change: Updateable<RolloutsTable>,
): Promise<void> {
  await trx
    .updateTable('rollouts')
    .set(change)
    .where('fleet', '=', fleet)
    .where('rollout', '=', id)
    .execute();
}
