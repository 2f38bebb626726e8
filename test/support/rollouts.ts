import type { Api } from './api.ts';
import { until } from './until.ts';

/** What tests read of a rollout. */
export interface RolloutView {
  readonly id: string;
  readonly state: string;
  readonly haltedBy: string;
  readonly sentence: string;
  readonly devices: readonly {
    readonly device: string;
    readonly wave: number;
    readonly state: string;
    readonly code: string;
    readonly detail: string;
    readonly backState: string;
    /** What the device took from the network. */
    readonly transfer?: { readonly bytes: number };
  }[];
  readonly events: readonly { readonly kind: string; readonly sentence: string }[];
}

/** Short times, so that a rollout of a test ends within seconds. */
const QUICK = { soakMs: 0, watchMs: 500, retryMs: 500, deadlineMs: 120_000 };

/** Creates a rollout of `parts` and gives its id. */
export async function rollOut(api: Api, version: number, settings: object = {}): Promise<string> {
  const body = { model: 'parts', version, waves: ['100%'], ...QUICK, ...settings };
  const { id } = await api.post<{ id: string }>('/rollouts', body);
  return id;
}

export const ENDED = ['done', 'rolled-back', 'aborted'];

export const readRollout = (api: Api, id: string) => api.get<RolloutView>(`/rollouts/${id}`);

/** Waits until a rollout is at its end, whichever that is. */
export async function untilEnded(api: Api, id: string, timeoutMs: number): Promise<RolloutView> {
  let seen: RolloutView | undefined;
  try {
    return await until(
      `the end of rollout ${id}`,
      async () => {
        seen = await readRollout(api, id);
        return ENDED.includes(seen.state) && seen;
      },
      timeoutMs,
    );
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}: ${describe(seen)}`);
  }
}

function describe(rollout: RolloutView | undefined): string {
  if (rollout === undefined) return 'never seen';
  const devices = rollout.devices.map(
    ({ state, backState, code, detail }) => `${state}/${backState} ${code} ${detail}`,
  );
  return `${rollout.state} ${rollout.sentence} [${devices.join('; ')}]`;
}
