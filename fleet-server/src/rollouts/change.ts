import { FlotillaError } from '@flotilla/protocol';
import type { ServerContext } from '../context.ts';
import { audit } from '../trust/audit.ts';
import { halt, setRollout } from './execute-rollout.ts';
import { addEvent, type Rollout, readRollout } from './store.ts';
import type { RolloutState } from './types.ts';

/** What a person may do to a rollout that runs. */
export const ROLLOUT_CHANGES = ['abort', 'pause', 'resume'] as const;
export type RolloutChange = (typeof ROLLOUT_CHANGES)[number];

const ALLOWED = {
  abort: { from: ['running', 'paused'], to: 'halted', word: 'aborted' },
  pause: { from: ['running'], to: 'paused', word: 'paused' },
  resume: { from: ['paused'], to: 'running', word: 'resumed' },
} as const satisfies Record<
  RolloutChange,
  { from: readonly RolloutState[]; to: RolloutState; word: string }
>;

/**
 * Aborts (and rolls back), pauses or resumes a rollout. What is asked twice is done once.
 *
 * @throws FlotillaError `rollout.state`, `server.not-found`
 */
export async function changeRollout(
  context: Pick<ServerContext, 'db' | 'dialect'>,
  { fleet, id }: Pick<Rollout, 'fleet' | 'id'>,
  change: RolloutChange,
  { actor, now }: { readonly actor: string; readonly now: number },
): Promise<Rollout> {
  const { from, to, word } = ALLOWED[change];
  const rollout = await readRollout(context.db, fleet, id);
  if (isRepeated(rollout, change)) return rollout;
  if (!(from as readonly RolloutState[]).includes(rollout.state)) {
    throw new FlotillaError('rollout.state', { rollout: id, state: rollout.state, change: word });
  }
  const sentence = `${word} by ${actor}`;
  const target = { fleet, id };
  await context.db.transaction().execute(async (trx) => {
    await context.dialect.lock(trx, `rollout ${fleet}/${id}`);
    const current = await readRollout(trx, fleet, id);
    if (!(from as readonly RolloutState[]).includes(current.state)) return;
    if (change === 'abort') {
      await halt(trx, current, { kind: 'halt', cause: 'operator', sentence }, now);
    } else {
      await setRollout(trx, target, { state: to, sentence: change === 'pause' ? sentence : '' });
      await addEvent(trx, target, change, sentence, now);
    }
    const action = `rollout.${change}`;
    await audit({ ...context, now: () => now }, trx, { fleet, actor, action, subject: id });
  });
  return readRollout(context.db, fleet, id);
}

const isRepeated = ({ state, haltedBy }: Rollout, change: RolloutChange): boolean =>
  change === 'abort'
    ? haltedBy === 'operator'
    : state === (change === 'pause' ? 'paused' : 'running');
