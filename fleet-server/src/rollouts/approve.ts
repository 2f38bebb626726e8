import { FlotillaError } from '@flotilla/protocol';
import type { ServerContext } from '../context.ts';
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

/**
 * Lets the next wave open, once the open one has ended, soaked and passed its gates; one whose
 * evidence is suspicious now counts as passed after the longest soak. What is asked twice is done
 * once.
 *
 * @throws FlotillaError `rollout.state`, `server.not-found`
 */
export async function approveRollout(
  context: Pick<ServerContext, 'db' | 'dialect'>,
  { fleet, id }: Pick<Rollout, 'fleet' | 'id'>,
  { actor, now }: { readonly actor: string; readonly now: number },
): Promise<Rollout> {
  await context.db.transaction().execute(async (trx) => {
    await context.dialect.lock(trx, `rollout ${fleet}/${id}`);
    const rollout = await readRollout(trx, fleet, id);
    const { state, wave, sizes, approvedWaves, accepted } = rollout;
    const over = state === 'halted' || ENDED_STATES.includes(state);
    const known = over ? [] : await readVerdicts(trx, rollout);
    const asks = undecided(known, []).length > 0 || rollout.settings.approval !== 'none';
    if (over || !asks) {
      const why = over ? state : `${state} and asks for no approval`;
      throw new FlotillaError('rollout.state', { rollout: id, state: why, change: 'approved' });
    }
    const suspicious = wave + 1 < sizes.length ? undecided(known, accepted) : [];
    if (suspicious.length === 0 && !needsApproval(rollout)) return;
    await setRollout(trx, rollout, {
      approved_wave: Math.max(approvedWaves, wave + 2),
      accepted_gates: [...accepted, ...suspicious.map(({ gate }) => gate)].join(' '),
    });
    const sentence = `wave ${wave + 2} of ${sizes.length} approved by ${actor}${inSpiteOf(suspicious)}`;
    await addEvent(trx, { fleet, id }, 'approve', sentence, now);
    const detail = { wave: wave + 2 };
    const entry = { fleet, actor, action: 'rollout.approve', subject: id, detail };
    await audit({ ...context, now: () => now }, trx, entry);
  });
  return readRollout(context.db, fleet, id);
}

function inSpiteOf(suspicious: readonly Verdict[]): string {
  const titles = suspicious.map(({ gate }) => `"${GATES[gate].title}"`).join(', ');
  return titles === '' ? '' : ` in spite of what the gate ${titles} has seen`;
}
