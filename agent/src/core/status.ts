import { describeFallbacks } from '@flotilla/model';
import { AGENT_SLOT, type Draft, type Outcome } from '@flotilla/protocol';
import type { Parts } from './assemble.ts';
import type { DeviceHealth } from './device-watch.ts';
import { type Identity, NOBODY } from './identity.ts';
import type { OutboxCounts } from './outbox/outbox.ts';
import type { LoadedModel } from './serving/loaded-model.ts';
import { isLocal } from './side-load/holds.ts';
import type { Installed, SlotState } from './state.ts';

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

export interface SlotStatus {
  readonly slot: string;
  /** Answers inference calls. */
  readonly ready: boolean;
  readonly active?: Installed;
  readonly trial?: Installed;
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
  const { wanted, halt, slots, attempts } = journal.state;
  const drifting = recorder.drifting();
  const models = Object.entries(slots).filter(([slot]) => slot !== AGENT_SLOT);
  return {
    fleet: identity.fleet,
    device: identity.device,
    version,
    online,
    halted: halt.halted,
    generation: wanted.generation,
    revision: wanted.revision,
    ...(slots[AGENT_SLOT] === undefined ? {} : { release: releaseOf(slots[AGENT_SLOT]) }),
    slots: models.map(([slot, { active, trial }]) => ({
      slot,
      ready: serving.model(slot) !== undefined,
      ...(active === undefined ? {} : { active }),
      ...(trial === undefined ? {} : { trial }),
      local: isLocal(journal.state, slot),
      ...choiceOf(serving.model(slot)),
      drifting: drifting[slot] ?? [],
    })),
    attempts: attempts.map((attempt) => reporter.latest(attempt)),
    outbox: outbox.counts(),
    health,
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
