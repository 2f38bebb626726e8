import type { InputSpec, Raw } from '@flotilla/model';
import { FlotillaError, isFlotillaError } from '@flotilla/protocol';
import type { Agent, Clock, Inference } from '../../core/index.ts';

export interface ModelUserOptions {
  readonly agent: Pick<Agent, 'infer' | 'model' | 'unresponsive'>;
  readonly clock: Clock;
  readonly slot: string;
  /** Undefined where the model has one input that is to be given. */
  readonly input: string | undefined;
}

/** What runs in a slot, as a flow uses it: it waits for a model, however long that takes. */
export interface ModelUser {
  /** There is no model at this moment. */
  readonly waits: boolean;
  /** Resolves when there is a model, or the signal aborts. */
  ready(): Promise<void>;
  /**
   * @returns undefined where the signal aborted
   * @throws FlotillaError `infer.failed`, `flow.input-unclear`, or what the pipeline says of the input
   */
  infer(raw: Raw): Promise<Inference | undefined>;
}

const LOOK_MS = 250;
/** Before a slot that has more requests than it takes is asked again. */
const BUSY_MS = 20;

export function createModelUser(options: ModelUserOptions, signal: AbortSignal): ModelUser {
  const { agent, clock, slot } = options;

  /** A model whose runtime died is as good as none until another takes its place. */
  const there = () => agent.model(slot) !== undefined && !agent.unresponsive().includes(slot);

  async function ready(): Promise<void> {
    while (!signal.aborted && !there()) await clock.sleep(LOOK_MS, signal);
  }

  return {
    get waits() {
      return !there();
    },
    ready,
    async infer(raw) {
      for (; !signal.aborted; await ready()) {
        try {
          return await agent.infer(slot, { [inputOf(options).name]: raw });
        } catch (error) {
          if (isFlotillaError(error, 'infer.busy')) await clock.sleep(BUSY_MS, signal);
          else if (!isFlotillaError(error, 'infer.no-slot') && there()) throw error;
        }
      }
      return undefined;
    },
  };
}

/**
 * The input that a flow feeds, as the model that is in the slot now declares it.
 *
 * @throws FlotillaError `flow.input-unclear` where it has no such input, or several and none is named
 */
export function inputOf({ agent, slot, input }: Omit<ModelUserOptions, 'clock'>): {
  readonly name: string;
  readonly spec: InputSpec;
} {
  const given = Object.entries(agent.model(slot)?.bundle.spec.inputs ?? {}).filter(
    ([, { kind }]) => kind !== 'constant' && kind !== 'state',
  );
  const fitting = given.filter(([name]) => input === undefined || name === input);
  const [found] = fitting;
  if (found !== undefined && fitting.length === 1) return { name: found[0], spec: found[1] };
  const inputs = given.map(([name]) => name).join(', ') || 'none';
  throw new FlotillaError('flow.input-unclear', { slot, inputs });
}
