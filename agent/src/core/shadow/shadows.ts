import { asFlotillaError, type FlotillaError } from '@flotilla/protocol';
import type { Journal } from '../journal.ts';
import type { Labels } from '../labels.ts';
import type { Clock, Device, Logger } from '../ports.ts';
import type { LoadedModel } from '../serving/loaded-model.ts';
import type { Serving } from '../serving/serving.ts';
import { type Fault, type ShadowPlan, sameInstalled } from '../state.ts';
import type { ShadowRecorder } from '../telemetry/recorder.ts';
import type { ShadowRunner } from './runner.ts';

/** The models that run beside the active ones, at most one a slot. They answer nobody. */
export interface Shadows {
  model(slot: string): LoadedModel | undefined;
  /** Compares a model with whatever the slot serves, from now on, if the journal still names it. */
  begin(slot: string, model: LoadedModel): Promise<void>;
  /** Lets the slot's shadow go. */
  end(slot: string): void;
  /** Resolves when every shadow was let go, or hangs. */
  close(): Promise<void>;
}

export interface ShadowPorts {
  readonly journal: Journal;
  readonly serving: Pick<Serving, 'show'>;
  readonly recorder: ShadowRecorder;
  readonly labels: Pick<Labels, 'alsoSaid'>;
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>;
  readonly device: Pick<Device, 'condition'>;
  readonly logger: Logger;
  /** There is something to plan. */
  changed(): void;
}

interface Entry {
  readonly model: LoadedModel;
  readonly runner: ShadowRunner;
  readonly ending: AbortController;
}

/** An agent that ran so long with a shadow is not in a crash loop by it. */
const STEADY_MS = 600_000;
/** So long is waited in the end for shadows that do not let go. */
const CLOSE_MS = 5_000;
/** Of a shadow that the server wants no more, until it has ended. */
const NOTHING: ShadowPlan = { samplePermille: 0, busyPermille: 0, maxTemperatureC: 0 };

export function createShadows(ports: ShadowPorts): Shadows {
  const { journal, serving, recorder, clock, logger } = ports;
  const entries = new Map<string, Entry>();
  const disposals = new Set<Promise<void>>();

  function end(slot: string): void {
    const entry = entries.get(slot);
    if (entry === undefined) return;
    entries.delete(slot);
    serving.show(slot, undefined);
    entry.ending.abort();
    entry.runner.stop();
    recorder.swapped(slot, undefined);
    letGo(entry.model);
  }

  function letGo(model: LoadedModel): void {
    const disposal: Promise<void> = model
      .dispose()
      .catch(() => undefined)
      .then(() => void disposals.delete(disposal));
    disposals.add(disposal);
  }

  /** A shadow that cannot go on is ended by a step, which the fault asks for. */
  function lost(slot: string, error: FlotillaError): void {
    const { code, message } = error;
    logger.error('shadow lost', { slot, error });
    faultShadow(journal, slot, { code, detail: message, step: 'watch' })
      .then(ports.changed)
      .catch((cause) => logger.error('fault not recorded', { slot, error: cause }));
  }

  async function forgive(slot: string, signal: AbortSignal): Promise<void> {
    await clock.sleep(STEADY_MS, signal);
    if (signal.aborted || !journal.state.shadows?.[slot]?.starts) return;
    await journal.update(({ shadows }) => {
      if (shadows?.[slot] !== undefined) shadows[slot].starts = 0;
    });
  }

  return {
    model: (slot) => entries.get(slot)?.model,
    async begin(slot, model) {
      // most devices never run a shadow
      const { createShadowRunner } = await import('./runner.ts');
      const now = journal.state.shadows?.[slot]?.installed;
      // it may be wanted no more by now
      if (now === undefined || !sameInstalled(now, model.installed)) return letGo(model);
      end(slot);
      const ending = new AbortController();
      const plan = () =>
        journal.state.wanted.slots.find(({ name }) => name === slot)?.shadow?.shadow ?? NOTHING;
      const runner = createShadowRunner(
        { ...ports, plan, lost: (error) => lost(slot, error) },
        model,
      );
      entries.set(slot, { model, runner, ending });
      recorder.swapped(slot, model);
      serving.show(slot, runner.watch);
      forgive(slot, ending.signal).catch((error) => {
        logger.error('steady shadow not noted', { slot, error: asFlotillaError(error).message });
      });
    },
    end,
    async close() {
      for (const slot of [...entries.keys()]) end(slot);
      const over = new AbortController();
      const patience = clock.sleep(CLOSE_MS, over.signal);
      await Promise.race([Promise.all(disposals), patience]);
      over.abort();
    },
  };
}

/** Notes why a slot's shadow must end; the first reason counts. */
export const faultShadow = (journal: Journal, slot: string, fault: Fault): Promise<void> =>
  journal.update(({ shadows }) => {
    if (shadows?.[slot] !== undefined) shadows[slot].fault ??= fault;
  });
