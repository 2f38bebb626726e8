import { isFlotillaError } from '@flotilla/protocol';
import type { Clock } from '../ports.ts';
import type { Inference, LoadedModel, RawInputs } from './loaded-model.ts';
import type { Serving } from './serving.ts';

/** Inference that notices when a slot owes an answer: a runtime may hang in native code. */
export interface Pulse {
  infer(slot: string, inputs: RawInputs): Promise<Inference>;
  /** Slots that have calls and ended none for too long, or whose runtime died; sorted. */
  unresponsive(): string[];
}

/** Longer than any one inference that a device is made for. */
export const OVERDUE_MS = 60_000;

interface Calls {
  running: number;
  /** When one last ended, or the first of those that run began. */
  sinceMs: number;
  /** The model whose thread or process is gone. */
  dead: LoadedModel | undefined;
}

export function createPulse(
  serving: Pick<Serving, 'infer' | 'model'>,
  clock: Pick<Clock, 'monotonic'>,
  overdueMs = OVERDUE_MS,
): Pulse {
  const slots = new Map<string, Calls>();

  function begin(slot: string): Calls {
    const nowMs = clock.monotonic();
    const calls = slots.get(slot) ?? { running: 0, sinceMs: nowMs, dead: undefined };
    if (calls.running === 0) calls.sinceMs = nowMs;
    calls.running++;
    slots.set(slot, calls);
    return calls;
  }

  return {
    async infer(slot, inputs) {
      const model = serving.model(slot);
      const calls = begin(slot);
      try {
        const inference = await serving.infer(slot, inputs);
        calls.dead = undefined;
        return inference;
      } catch (error) {
        if (isDead(error)) calls.dead = model;
        throw error;
      } finally {
        calls.running--;
        calls.sinceMs = clock.monotonic();
        // callers may name any slot: only what is of use is remembered
        if (calls.running === 0 && calls.dead === undefined) slots.delete(slot);
      }
    },
    unresponsive() {
      const nowMs = clock.monotonic();
      const found = [...slots].filter(
        ([slot, { running, sinceMs, dead }]) =>
          (running > 0 && nowMs - sinceMs > overdueMs) ||
          (dead !== undefined && dead === serving.model(slot)),
      );
      return found.map(([slot]) => slot).sort();
    },
  };
}

const isDead = (error: unknown): boolean =>
  isFlotillaError(error, 'infer.failed') && isFlotillaError(error.cause, 'runtime.died');
