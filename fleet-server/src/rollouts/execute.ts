import type { Kysely } from 'kysely';
import type { ServerContext } from '../context.ts';
import type { Database } from '../db/schema.ts';
import { retryBack, rollBack } from './execute-back.ts';
import { deploy, expire, postpone, retry } from './execute-forward.ts';
import { finish, halt, openWave } from './execute-rollout.ts';
import { type Rollout, readRollout } from './store.ts';
import type { ActionKind, ActionOf, RolloutState } from './types.ts';

/** @returns the devices whose desired state changed */
export type Executor<K extends ActionKind> = (
  trx: Kysely<Database>,
  rollout: Rollout,
  action: ActionOf<K>,
  now: number,
) => Promise<readonly string[]>;

/** A promotion makes a rollout of its own: `promoteRollout`. */
type Executed = Exclude<ActionKind, 'promote'>;

const EXECUTORS: { readonly [K in Executed]: Executor<K> } = {
  openWave,
  deploy,
  retry,
  postpone,
  expire,
  halt,
  rollBack,
  retryBack,
  finish,
};

/** States in which an action still makes sense: a person or another server may have been faster. */
export const VALID_IN: Readonly<Record<Executed, readonly RolloutState[]>> = {
  openWave: ['running'],
  deploy: ['running'],
  retry: ['running'],
  postpone: ['running'],
  expire: ['running', 'paused'],
  halt: ['running', 'paused'],
  rollBack: ['halted'],
  retryBack: ['halted'],
  finish: ['running', 'paused', 'halted'],
};

/**
 * Executes one action in one transaction, in which devices are seen to beside each other. What no longer holds by then is left out, so an action
 * that comes twice, or late, does nothing.
 *
 * @returns the devices whose desired state is to be published after it
 */
export async function executeAction(
  { transactAll, dialect }: Pick<ServerContext, 'transactAll' | 'dialect'>,
  { fleet, id }: Pick<Rollout, 'fleet' | 'id'>,
  action: ActionOf<Executed>,
  now: number,
): Promise<readonly string[]> {
  const [changed = []] = await transactAll([action], async (trx) => {
    await dialect.lock(trx, `rollout ${fleet}/${id}`);
    const rollout = await readRollout(trx, fleet, id);
    if (!VALID_IN[action.kind].includes(rollout.state)) return [];
    const execute = EXECUTORS[action.kind] as Executor<typeof action.kind>;
    return execute(trx, rollout, action as never, now);
  });
  return changed;
}
