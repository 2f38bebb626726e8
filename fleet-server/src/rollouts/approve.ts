import { FlotillaError } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import type { ServerContext } from '../context.ts';
import type { Database } from '../db/schema.ts';
import { audit } from '../trust/audit.ts';
import { setRollout } from './execute-rollout.ts';
import { GATES } from './gates/index.ts';
import { undecided, type Verdict } from './gates/types.ts';
import { addEvent, ENDED_STATES, type Rollout, readRollout, readVerdicts } from './store.ts';

/** Waves that a person must have approved before the next one opens. */
export function approvalNeeded({
  wave,
  settings: { approval },
}: Pick<Rollout, 'wave' | 'settings'>): number {
  return { none: 0, start: 1, each: wave + 2 }[approval];
}

/** Whether the next wave waits, or will wait, for a person. */
export const needsApproval = (
  rollout: Pick<Rollout, 'wave' | 'settings' | 'sizes' | 'approvedWaves'>,
): boolean =>
  rollout.wave + 1 < rollout.sizes.length && rollout.approvedWaves < approvalNeeded(rollout);

/** Which wave an approval is for. */
export interface Approval {
  readonly actor: string;
  readonly now: number;
  /** From 1. Left out: the wave that opens next, once the approved one that is open has ended. */
  readonly wave?: number | undefined;
}

/** What a person's request has done. */
export interface Changed {
  readonly rollout: Rollout;
  /** In words: `wave 1 of 2 of parts@3 is approved`, `parts@3 is paused already`. */
  readonly answer: string;
}

/**
 * Lets one wave open, once the one before has ended, soaked and passed its gates; one whose evidence
 * is suspicious now counts as passed after the longest soak. What is asked twice is done once: while
 * the approved wave has not ended, a request that names none is taken for the same again.
 *
 * @throws FlotillaError `rollout.state`, `rollout.invalid`, `server.not-found`
 */
export async function approveRollout(
  context: Pick<ServerContext, 'db' | 'dialect'>,
  { fleet, id }: Pick<Rollout, 'fleet' | 'id'>,
  { actor, now, wave: named }: Approval,
): Promise<Changed> {
  const answer = await context.db.transaction().execute(async (trx) => {
    await context.dialect.lock(trx, `rollout ${fleet}/${id}`);
    const rollout = await readRollout(trx, fleet, id);
    const suspicious = await suspicionsOf(trx, rollout);
    const { wave: open, sizes, approvedWaves, accepted } = rollout;
    const wave = named ?? (await waveMeant(trx, rollout));
    checkWave(rollout, wave);
    const title = `wave ${wave} of ${sizes.length}`;
    const name = `${title} of ${rollout.model}@${rollout.version}`;
    const opened = wave <= open + 1;
    if (opened || (suspicious.length === 0 && !needsApproval(rollout))) {
      if (approvedWaves >= wave) return `${name} is approved already`;
      return opened ? `${name} is open already` : `${name} needs no approval`;
    }
    await setRollout(trx, rollout, {
      approved_wave: Math.max(approvedWaves, wave),
      accepted_gates: [...accepted, ...suspicious.map(({ gate }) => gate)].join(' '),
    });
    const sentence = `${title} approved by ${actor}${inSpiteOf(suspicious)}`;
    await addEvent(trx, { fleet, id }, 'approve', sentence, now);
    const entry = { fleet, actor, action: 'rollout.approve', subject: id, detail: { wave } };
    await audit({ ...context, now: () => now }, trx, entry);
    return `${name} is approved${inSpiteOf(suspicious)}`;
  });
  return { rollout: await readRollout(context.db, fleet, id), answer };
}

/**
 * What keeps the next wave from opening until a person decides.
 *
 * @throws FlotillaError `rollout.state` where nothing can be approved
 */
async function suspicionsOf(trx: Kysely<Database>, rollout: Rollout): Promise<Verdict[]> {
  const { id, state, wave, sizes, accepted, settings } = rollout;
  const over = state === 'halted' || ENDED_STATES.includes(state);
  const known = over ? [] : await readVerdicts(trx, rollout);
  const asks = undecided(known, []).length > 0 || settings.approval !== 'none';
  if (over || !(asks || rollout.approvedWaves > 0)) {
    const why = over ? state : `${state} and asks for no approval`;
    throw new FlotillaError('rollout.state', { rollout: id, state: why, change: 'approved' });
  }
  return wave + 1 < sizes.length ? undecided(known, accepted) : [];
}

/** Of a request that names no wave: it may be the repetition of the one that let the open wave open. */
async function waveMeant(trx: Kysely<Database>, rollout: Rollout): Promise<number> {
  const { wave, approvedWaves, sizes } = rollout;
  const open = wave + 1;
  const next = Math.min(open + 1, sizes.length);
  if (open === 0 || approvedWaves < open) return next;
  return (await hasEnded(trx, rollout)) ? next : open;
}

/** Whether every device of the open wave has ended its attempts. */
async function hasEnded(
  trx: Kysely<Database>,
  { fleet, id, sizes, wave }: Rollout,
): Promise<boolean> {
  const one = await trx
    .selectFrom('rollout_members')
    .select('device')
    .where('fleet', '=', fleet)
    .where('rollout', '=', id)
    .where('position', '>=', 0)
    .where('position', '<', sizes[wave] ?? 0)
    .where((e) =>
      e.or([
        e('state', 'in', ['pending', 'sent', 'in-progress']),
        e.and([e('state', '=', 'failed'), e('due_ms', '>', 0)]),
      ]),
    )
    .limit(1)
    .executeTakeFirst();
  return one === undefined;
}

function checkWave({ wave: open, sizes }: Rollout, wave: number): void {
  if (wave > sizes.length) {
    refuse(`there is no wave ${wave}: the rollout has ${sizes.length}`);
  }
  if (wave > open + 2) {
    refuse(`wave ${wave} follows wave ${open + 2}, which is not open yet: approve that one first`);
  }
}

function refuse(reason: string): never {
  throw new FlotillaError('rollout.invalid', { reason, field: 'wave' });
}

function inSpiteOf(suspicious: readonly Verdict[]): string {
  const titles = suspicious.map(({ gate }) => `"${GATES[gate].title}"`).join(', ');
  return titles === '' ? '' : ` in spite of what the gate ${titles} has seen`;
}
