import { setTimeout as sleep } from 'node:timers/promises';
import {
  type RolloutComparison,
  type RolloutProgress,
  restMs,
} from '@flotilla/fleet-server/progress';
import { FlotillaError, isFlotillaError } from '@flotilla/protocol';
import type { Api } from '../api.ts';
import type { Context } from '../context.ts';
import { clean } from './clean.ts';
import { type Told, tellChanges } from './plain.ts';
import { PAGE, progressLines } from './progress-view.ts';
import { clock, cut } from './text.ts';

const POLL_MS = 500;
/** Comparing costs the server more than counting. */
const COMPARE_MS = 5000;

const ENDED: readonly RolloutProgress['state'][] = ['done', 'rolled-back', 'aborted'];

/**
 * Follows a rollout to its end: a picture that is drawn over on a terminal, else a line for each
 * change; with `--json` only how it ended. A server that stops answering is asked until it does.
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
  const say = (line: string) => asJson || context.say(line);
  let told: Told | undefined;
  let lines: readonly string[] | undefined;
  let away = false;
  try {
    while (!context.interrupted.aborted) {
      const askedMs = performance.now();
      let pauseMs = POLL_MS;
      try {
        if (await look()) return;
        pauseMs = restMs(POLL_MS, performance.now() - askedMs);
      } catch (error) {
        if (lines === undefined || !passes(error)) throw error;
        if (!away) tellAway(lines, error.message);
        away = true;
      }
      await sleep(pauseMs, undefined, { signal: context.interrupted }).catch(() => undefined);
    }
  } finally {
    live?.end();
  }

  /** Shows how it stands; true once it has ended. */
  async function look(): Promise<boolean> {
    const progress = clean(await api.get<RolloutProgress>(`${path}/progress`));
    lines = live === undefined ? [] : progressLines(progress, live, await compared(progress));
    live?.draw(lines);
    if (live === undefined) {
      if (away) say(`${clock(Date.now())}  the server answers again`);
      told = tellChanges(progress, told, say);
    }
    away = false;
    if (!ENDED.includes(progress.state)) return false;
    await end(progress);
    return true;
  }

  /** In place of the line that says how old the rollout is, so that nothing jumps. */
  function tellAway(shown: readonly string[], message: string): void {
    const text = `${clock(Date.now())}  no answer, asking on: ${message}`;
    if (live === undefined) say(text);
    else live.draw(shown.with(1, live.style.warn(cut(text, live.columns))));
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

/** Whether the same question may be answered later: the server is away, or begins anew. */
const passes = (error: unknown): error is FlotillaError =>
  isFlotillaError(error, 'api.unreachable') ||
  (isFlotillaError(error, 'api.refused') && error.context.status >= 500);

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
