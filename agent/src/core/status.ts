import { describeFallbacks } from '@flotilla/model';
import { AGENT_SLOT, type Draft, type Outcome } from '@flotilla/protocol';
import type { Parts } from './assemble.ts';
import type { DeviceHealth } from './device-watch.ts';
import { type Identity, NOBODY } from './identity.ts';
import type { OutboxCounts } from './outbox/outbox.ts';
import { outcomeOf } from './report.ts';
import type { LoadedModel } from './serving/loaded-model.ts';
import { isLocal } from './side-load/holds.ts';
import type { Installed, JournalState, SlotState } from './state.ts';

/** What an agent says of itself to those on the device. */
export interface AgentStatus {
  /** Empty, as the device, where it is in no fleet. */
  readonly fleet: string;
  readonly device: string;
  readonly version: string;
  readonly online: boolean;
  readonly halted: boolean;
  readonly generation: number;
  readonly revision: number;
  readonly slots: readonly SlotStatus[];
  /** The release of the agent that was rolled out to the device, where one was. */
  readonly release?: Pick<SlotState, 'active' | 'trial'>;
  /** How the latest attempts ended, or how far they are. */
  readonly attempts: readonly Draft<Outcome>[];
  readonly outbox: OutboxCounts;
  readonly health: DeviceHealth;
}

/** What the journal tells, agent or none. */
export type StoredStatus = Pick<
  AgentStatus,
  'halted' | 'generation' | 'revision' | 'release' | 'slots' | 'attempts'
>;

export interface SlotStatus {
  readonly slot: string;
  /** Answers inference calls. */
  readonly ready: boolean;
  readonly active?: Installed;
  readonly trial?: Installed;
  /** What runs beside the active model, or will when it is loaded. */
  readonly shadow?: Installed;
  /** A person loaded it on the device. */
  readonly local: boolean;
  /** What runs the model, where one is ready, and why others did not take it. */
  readonly runtime?: string;
  readonly provider?: string;
  readonly fallbacks?: readonly string[];
  /** Input features that the device's own test calls drifted. */
  readonly drifting: readonly string[];
}

export function statusOf(
  { journal, serving, recorder, outbox, reporter }: Parts,
  { identity = NOBODY, version }: { readonly identity?: Identity; readonly version: string },
  online: boolean,
  health: DeviceHealth,
): AgentStatus {
  const drifting = recorder.drifting();
  const stored = storedStatus(journal.state);
  return {
    fleet: identity.fleet,
    device: identity.device,
    version,
    online,
    ...stored,
    slots: stored.slots.map((status) => {
      const model = serving.model(status.slot);
      const drift = drifting[status.slot] ?? [];
      return { ...status, ready: model !== undefined, ...choiceOf(model), drifting: drift };
    }),
    attempts: journal.state.attempts.map((attempt) => reporter.latest(attempt)),
    outbox: outbox.counts(),
    health,
  };
}

/** As far as the journal tells it: nothing is ready. */
export function storedStatus(state: Readonly<JournalState>): StoredStatus {
  const { wanted, halt, slots, shadows, attempts } = state;
  const models = Object.entries(slots).filter(([slot]) => slot !== AGENT_SLOT);
  return {
    halted: halt.halted,
    generation: wanted.generation,
    revision: wanted.revision,
    ...(slots[AGENT_SLOT] === undefined ? {} : { release: releaseOf(slots[AGENT_SLOT]) }),
    slots: models.map(([slot, { active, trial }]) => ({
      slot,
      ready: false,
      ...(active === undefined ? {} : { active }),
      ...(trial === undefined ? {} : { trial }),
      ...(shadows?.[slot] === undefined ? {} : { shadow: shadows[slot].installed }),
      local: isLocal(state, slot),
      drifting: [],
    })),
    attempts: attempts.map(outcomeOf),
  };
}

const releaseOf = ({ active, trial }: SlotState): AgentStatus['release'] => ({
  ...(active === undefined ? {} : { active }),
  ...(trial === undefined ? {} : { trial }),
});

function choiceOf(model: LoadedModel | undefined) {
  if (model === undefined) return {};
  const { runtime, provider, fallbacks } = model.session;
  return { runtime, provider, fallbacks: describeFallbacks(fallbacks) };
}
