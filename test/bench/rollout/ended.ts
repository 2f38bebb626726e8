import { setTimeout as sleep } from 'node:timers/promises';
import type { Api, Page } from '../../support/api.ts';
import { ENDED } from '../../support/rollouts.ts';

/** A rollout without its devices, as the list has it. */
export interface Summary {
  readonly id: string;
  readonly state: string;
  readonly haltedBy: string;
  readonly sentence: string;
  readonly sizes: readonly number[];
  readonly wave: number;
  readonly counts: Readonly<Record<string, number>>;
}

/** What is measured must not be loaded by who looks on. */
const LOOK_MS = 250;

export async function summaryOf(api: Api, id: string): Promise<Summary> {
  const { items } = await api.get<Page<Summary>>('/rollouts?limit=5');
  const summary = items.find((one) => one.id === id);
  if (summary === undefined) throw new Error(`rollout ${id} is not among the newest`);
  return summary;
}

/** Waits until a rollout is in that state; any other end, or the end of the time, is an error. */
export async function untilState(
  api: Api,
  id: string,
  state: string,
  timeoutMs: number,
): Promise<Summary> {
  for (const giveUp = performance.now() + timeoutMs; ; await sleep(LOOK_MS)) {
    const summary = await summaryOf(api, id);
    if (summary.state === state) return summary;
    if (ENDED.includes(summary.state) || performance.now() > giveUp) {
      throw new Error(`rollout ${id} is ${JSON.stringify(summary)}, not ${state}`);
    }
  }
}
