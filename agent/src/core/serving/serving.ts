import { LogHistogram } from '@flotilla/model';
import { FlotillaError, isFlotillaError } from '@flotilla/protocol';
import type { Inference, LoadedModel, RawInputs } from './loaded-model.ts';

/** What happened to one inference, for telemetry and for the watch after an activation. */
export interface Observer {
  inferred(model: LoadedModel, inference: Inference): void;
  failed(model: LoadedModel): void;
  /** The slot runs another model from now on, or none. */
  swapped(slot: string, from: LoadedModel | undefined, to: LoadedModel | undefined): void;
}

/** Inferences since a model was swapped in. */
export interface Tally {
  readonly inferences: number;
  readonly errors: number;
  /** Runs that ended well, and the slowest of their fastest quarter, milliseconds. */
  readonly runs: { readonly count: number; readonly fastMs: number };
}

export interface Serving {
  /** Slots that have a model, sorted. */
  readonly slots: readonly string[];
  model(slot: string): LoadedModel | undefined;
  tally(slot: string): Tally;
  /** @throws FlotillaError `infer.no-slot`, `infer.failed`, or what the pipeline says of the input */
  infer(slot: string, inputs: RawInputs): Promise<Inference>;
  /** New calls go to the new model at once; the old one is let go when its last call ends. */
  swap(slot: string, model: LoadedModel | undefined): void;
  /** Resolves when every model was let go. */
  close(): Promise<void>;
}

interface Entry {
  readonly model: LoadedModel;
  running: number;
  inferences: number;
  errors: number;
  readonly runMs: LogHistogram;
  retired: boolean;
}

const FASTEST_SHARE = 0.25;

export function createServing(observer: Observer): Serving {
  const entries = new Map<string, Entry>();
  const disposals = new Set<Promise<void>>();

  function release(entry: Entry): void {
    if (!entry.retired || entry.running > 0) return;
    const disposal: Promise<void> = entry.model
      .dispose()
      .catch(() => undefined)
      .then(() => {
        disposals.delete(disposal);
      });
    disposals.add(disposal);
  }

  function swap(slot: string, model: LoadedModel | undefined): void {
    const old = entries.get(slot);
    if (model === undefined) entries.delete(slot);
    else entries.set(slot, newEntry(model));
    observer.swapped(slot, old?.model, model);
    if (old === undefined) return;
    old.retired = true;
    release(old);
  }

  return {
    get slots() {
      return [...entries.keys()].sort();
    },
    model: (slot) => entries.get(slot)?.model,
    tally: (slot) => {
      const { inferences = 0, errors = 0, runMs } = entries.get(slot) ?? {};
      const fastMs = runMs?.quantile(FASTEST_SHARE) ?? 0;
      return { inferences, errors, runs: { count: runMs?.count ?? 0, fastMs } };
    },
    async infer(slot, inputs) {
      const entry = entries.get(slot);
      if (entry === undefined) throw noSlot(slot, [...entries.keys()]);
      entry.running++;
      try {
        const inference = await entry.model.infer(inputs);
        entry.inferences++;
        entry.runMs.record(inference.runMs);
        observer.inferred(entry.model, inference);
        return inference;
      } catch (error) {
        if (isFlotillaError(error, 'infer.failed')) {
          entry.inferences++;
          entry.errors++;
          observer.failed(entry.model);
        }
        throw error;
      } finally {
        entry.running--;
        release(entry);
      }
    },
    swap,
    async close() {
      for (const slot of [...entries.keys()]) swap(slot, undefined);
      await Promise.all(disposals);
    },
  };
}

const newEntry = (model: LoadedModel): Entry => ({
  model,
  running: 0,
  inferences: 0,
  errors: 0,
  runMs: new LogHistogram(),
  retired: false,
});

const noSlot = (slot: string, known: readonly string[]) =>
  new FlotillaError('infer.no-slot', {
    slot: slot.slice(0, 80),
    known: known.length === 0 ? 'none yet' : known.toSorted().join(', '),
  });
