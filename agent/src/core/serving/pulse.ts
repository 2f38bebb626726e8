import { isFlotillaError } from '@flotilla/protocol';
import type { Clock } from '../ports.ts';
import type { Inference, LoadedModel, RawInputs } from './loaded-model.ts';
import type { Serving } from './serving.ts';

/** Inference that notices when a slot owes an answer: a runtime may hang in native code. */
export interface Pulse {
  infer(slot: string, inputs: RawInputs): Promise<Inference>;
  /** For how long the slot's model has had calls and ended none; 0 where it owes no answer. */
  stalledMs(slot: string): number;
  /** Slots that have calls and ended none for too long, or whose runtime died; sorted. */
  unresponsive(): string[];
}

/** Longer than any one inference that a device is made for. */
const OVERDUE_MS = 60_000;

/** Calls of one model: what one that was swapped out still owes is nobody's concern. */
interface Calls {
  readonly model: LoadedModel | undefined;
  running: number;
  /** When one last ended, or the first of those that run began. */
  sinceMs: number;
  /** Its thread or process is gone. */
  dead: boolean;
}

export function createPulse(
  serving: Pick<Serving, 'infer' | 'model'>,
  clock: Pick<Clock, 'monotonic'>,
  overdueMs = OVERDUE_MS,
): Pulse {
  const slots = new Map<string, Calls>();

  const callsOf = (slot: string): Calls | undefined => {
    const calls = slots.get(slot);
    return calls?.model === serving.model(slot) ? calls : undefined;
  };

  function begin(slot: string): Calls {
    const nowMs = clock.monotonic();
    const fresh = { model: serving.model(slot), running: 0, sinceMs: nowMs, dead: false };
    const calls = callsOf(slot) ?? fresh;
    if (calls.running === 0) calls.sinceMs = nowMs;
    calls.running++;
    slots.set(slot, calls);
    return calls;
  }

  function stalledMs(slot: string): number {
    const calls = callsOf(slot);
    return calls === undefined || calls.running === 0 ? 0 : clock.monotonic() - calls.sinceMs;
  }

  return {
    async infer(slot, inputs) {
      const calls = begin(slot);
      try {
        const inference = await serving.infer(slot, inputs);
        calls.dead = false;
        return inference;
      } catch (error) {
        if (isDead(error)) calls.dead = true;
        throw error;
      } finally {
        calls.running--;
        calls.sinceMs = clock.monotonic();
        // callers may name any slot: only what is of use is remembered
        const useless = calls.running === 0 && !calls.dead;
        if (useless && slots.get(slot) === calls) slots.delete(slot);
      }
    },
    stalledMs,
    unresponsive() {
      const silent = [...slots.keys()].filter(
        (slot) => callsOf(slot)?.dead || stalledMs(slot) > overdueMs,
      );
      return silent.sort();
    },
  };
}

const isDead = (error: unknown): boolean =>
  isFlotillaError(error, 'infer.failed') && isFlotillaError(error.cause, 'runtime.died');
