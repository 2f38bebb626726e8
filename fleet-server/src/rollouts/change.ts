import { FlotillaError } from '@flotilla/protocol';
import type { ServerContext } from '../context.ts';
import { audit } from '../trust/audit.ts';
import type { Changed } from './approve.ts';
import { halt, setRollout } from './execute-rollout.ts';
import { addEvent, type Rollout, readRollout } from './store.ts';
import type { RolloutState } from './types.ts';

/** What a person may do to a rollout that runs. */
export const ROLLOUT_CHANGES = ['abort', 'pause', 'resume'] as const;
export type RolloutChange = (typeof ROLLOUT_CHANGES)[number];

const ALLOWED = {
  abort: {
    ...{ from: ['running', 'paused'], to: 'halted', word: 'aborted' },
    done: 'is aborted: its devices go back to the version before',
    repeated: 'is aborted already',
  },
  pause: {
    ...{ from: ['running'], to: 'paused', word: 'paused' },
    done: 'is paused: no further device is asked',
    repeated: 'is paused already',
  },
  resume: {
    ...{ from: ['paused'], to: 'running', word: 'resumed' },
    done: 'goes on',
    repeated: 'is running already',
  },
} as const satisfies Record<
  RolloutChange,
  {
    readonly from: readonly RolloutState[];
    readonly to: RolloutState;
    readonly word: string;
    /** What is told to the person who asked for it. */
    readonly done: string;
    /** The same, where nothing changed. */
    readonly repeated: string;
  }
>;

/**
 * Aborts (and rolls back), pauses or resumes a rollout. What is asked twice is done once.
 *
 * @throws FlotillaError `rollout.state`, `server.not-found`
 */
export async function changeRollout(
  context: Pick<ServerContext, 'db' | 'dialect'>,
  target: Pick<Rollout, 'fleet' | 'id'>,
  change: RolloutChange,
  { actor, now }: { readonly actor: string; readonly now: number },
): Promise<Changed> {
  const { fleet, id } = target;
  const { from, to, word, done, repeated } = ALLOWED[change];
  const answer = await context.db.transaction().execute(async (trx) => {
    await context.dialect.lock(trx, `rollout ${fleet}/${id}`);
    const current = await readRollout(trx, fleet, id);
    const name = `${current.model}@${current.version}`;
    if (isRepeated(current, change)) return `${name} ${repeated}`;
    if (!(from as readonly RolloutState[]).includes(current.state)) {
      throw new FlotillaError('rollout.state', { rollout: id, state: current.state, change: word });
    }
    const sentence = `${word} by ${actor}`;
    if (change === 'abort') {
      await halt(trx, current, { kind: 'halt', cause: 'operator', sentence }, now);
    } else {
      await setRollout(trx, target, { state: to, sentence: change === 'pause' ? sentence : '' });
      await addEvent(trx, target, change, sentence, now);
    }
    const action = `rollout.${change}`;
    await audit({ ...context, now: () => now }, trx, { fleet, actor, action, subject: id });
    return `${name} ${done}`;
  });
  return { rollout: await readRollout(context.db, fleet, id), answer };
}

const isRepeated = ({ state, haltedBy }: Rollout, change: RolloutChange): boolean =>
  change === 'abort'
    ? haltedBy === 'operator'
    : state === (change === 'pause' ? 'paused' : 'running');
