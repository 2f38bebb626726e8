import { asFlotillaError } from '@flotilla/protocol';
import type { ServerContext } from '../context.ts';
import { joinLate } from './join.ts';
import type { Rollout } from './store.ts';

export interface Joiner {
  /** Looks for devices that have come to match, a few seconds after they changed. */
  join(rollouts: readonly Rollout[]): Promise<void>;
  stop(): void;
}

/** A device that just enrolled says more of itself within that time. */
const PAUSE_MS = 3000;
/** Changes that came to other servers, or got lost, are found by looking at all. */
const ALL_MS = 10 * 60_000;
const MOST_CHANGED = 20_000;

type Parts = Pick<ServerContext, 'db' | 'dialect' | 'now' | 'changes' | 'log'> & {
  readonly onChange: (fleet: string, rollout: string) => void;
};

export function createJoiner(parts: Parts): Joiner {
  let changed = new Map<string, Set<string>>();
  /** When each rollout was last held against the whole fleet. */
  const lookedAt = new Map<string, number>();
  let last = Number.NEGATIVE_INFINITY;
  const unsubscribe = parts.changes.subscribe(({ change }) => {
    if (change.topic !== 'device') return;
    const devices = changed.get(change.fleet) ?? new Set();
    changed.set(change.fleet, devices);
    if (devices.size < MOST_CHANGED) devices.add(change.id);
    else lookedAt.clear();
  });

  /** The devices to look at; undefined for all of the fleet. */
  function amongFor({ id, fleet }: Rollout, devices: ReadonlyMap<string, ReadonlySet<string>>) {
    const looked = lookedAt.get(id) ?? Number.NEGATIVE_INFINITY;
    if (performance.now() - looked < ALL_MS) return [...(devices.get(fleet) ?? [])];
    lookedAt.set(id, performance.now());
    return undefined;
  }

  /** Never throws: a rollout that nothing can join goes on, and so do all others. */
  async function joinOne(rollout: Rollout, among: readonly string[] | undefined): Promise<void> {
    const { fleet, id } = rollout;
    try {
      if (await joinLate(parts, rollout, among, parts.now())) parts.onChange(fleet, id);
    } catch (error) {
      const { code, message } = asFlotillaError(error);
      parts.log.error({ rollout: id, code }, `late devices did not join: ${message}`);
    }
  }

  return {
    async join(rollouts) {
      if (performance.now() - last < PAUSE_MS) return;
      last = performance.now();
      const devices = changed;
      changed = new Map();
      for (const rollout of rollouts) await joinOne(rollout, amongFor(rollout, devices));
      const known = new Set(rollouts.map(({ id }) => id));
      for (const id of lookedAt.keys()) if (!known.has(id)) lookedAt.delete(id);
    },
    stop: unsubscribe,
  };
}
