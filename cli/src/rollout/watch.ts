import { setTimeout as sleep } from 'node:timers/promises';
import type { RolloutComparison, RolloutProgress } from '@flotilla/fleet-server/progress';
import { FlotillaError } from '@flotilla/protocol';
import type { Api } from '../api.ts';
import type { Context } from '../context.ts';
import { clean } from './clean.ts';
import { type Told, tellChanges } from './plain.ts';
import { PAGE, progressLines } from './progress-view.ts';

const POLL_MS = 500;
/** Comparing costs the server more than counting. */
const COMPARE_MS = 5000;

const ENDED: readonly RolloutProgress['state'][] = ['done', 'rolled-back', 'aborted'];

/**
 * Follows a rollout to its end: a picture that is drawn over on a terminal, else a line for each
 * change; with `--json` only how it ended.
 *
 * @param path of the rollout in the API
 * @throws FlotillaError `rollout.undone` where its version was not left on the devices
 */
export async function watchRollout(
  api: Api,
  path: string,
  asJson: boolean,
  context: Context,
): Promise<void> {
  const live = asJson ? undefined : context.live();
  const compared = createCompared(api, path);
  let told: Told | undefined;
  try {
    while (!context.interrupted.aborted) {
      const progress = clean(await api.get<RolloutProgress>(`${path}/progress`));
      if (live === undefined) told = tellChanges(progress, told, (line) => context.say(line));
      else live.draw(progressLines(progress, live, await compared(progress)));
      if (ENDED.includes(progress.state)) return await end(progress);
      await sleep(POLL_MS, undefined, { signal: context.interrupted }).catch(() => undefined);
    }
  } finally {
    live?.end();
  }

  async function end(progress: RolloutProgress): Promise<void> {
    if (asJson) context.json(await api.get(path));
    if (live === undefined) {
      const text = progressLines(progress, PAGE, await compared(progress)).join('\n');
      context.say(`\n${text}`);
    }
    if (progress.state === 'done') return;
    const { id: rollout, state, sentence } = progress;
    throw new FlotillaError('rollout.undone', { rollout, state, sentence });
  }
}

/** What a shadow or an A/B rollout shows, in a sentence; asked for now and then. */
function createCompared(api: Api, path: string): (progress: RolloutProgress) => Promise<string> {
  let sentence = '';
  let askedMs = Number.NEGATIVE_INFINITY;
  return async ({ kind, nowMs }) => {
    if (kind === 'update' || nowMs - askedMs < COMPARE_MS) return sentence;
    askedMs = nowMs;
    ({ sentence } = clean(await api.get<RolloutComparison>(`${path}/comparison`)));
    return sentence;
  };
}
