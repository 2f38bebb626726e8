import { LogHistogram } from '@flotilla/model';
import { FlotillaError, isFlotillaError } from '@flotilla/protocol';
import type { Clock } from '../ports.ts';
import type { Inference, LoadedModel, RawInputs, Seen } from './loaded-model.ts';

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
  /**
   * New calls go to the new model at once; the old one is let go when its last call ends. Calls that
   * do not end in time end with an error, so that nobody waits for a model that hangs.
   */
  swap(slot: string, model: LoadedModel | undefined): void;
  /** Shows each inference of a slot to whoever compares another model with what it serves. */
  show(slot: string, to: ((model: LoadedModel) => Seen) | undefined): void;
  /** Resolves when every model was let go, or hangs. */
  close(): Promise<void>;
}

interface Entry {
  readonly model: LoadedModel;
  seen: Seen | undefined;
  /** Ends each call that runs with an error. */
  readonly running: Set<(error: Error) => void>;
  inferences: number;
  errors: number;
  readonly runMs: LogHistogram;
  retired: boolean;
}

const FASTEST_SHARE = 0.25;

/** Calls of a model that was swapped out have so long to end: native code may hang. */
const GRACE_MS = 10_000;
/** So long is waited in the end for models that do not let go. */
const CLOSE_MS = 5_000;

export function createServing(observer: Observer, clock: Pick<Clock, 'sleep'>): Serving {
  const entries = new Map<string, Entry>();
  const shown = new Map<string, (model: LoadedModel) => Seen>();
  const disposals = new Set<Promise<void>>();
  const closing = new AbortController();

  function release(entry: Entry): void {
    if (!entry.retired || entry.running.size > 0) return;
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
    else entries.set(slot, newEntry(model, shown.get(slot)?.(model)));
    observer.swapped(slot, old?.model, model);
    if (old === undefined) return;
    old.retired = true;
    release(old);
    if (old.running.size > 0) abandon(slot, old).catch(() => undefined);
  }

  async function abandon(slot: string, entry: Entry): Promise<void> {
    await clock.sleep(GRACE_MS, closing.signal);
    const reason = 'its model was replaced and did not answer';
    for (const end of entry.running) end(new FlotillaError('infer.failed', { slot, reason }));
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
      const call = Promise.withResolvers<Inference>();
      entry.running.add(call.reject);
      entry.model.infer(inputs, entry.seen).then(call.resolve, call.reject);
      try {
        const inference = await call.promise;
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
        entry.running.delete(call.reject);
        release(entry);
      }
    },
    swap,
    show(slot, to) {
      if (to === undefined) shown.delete(slot);
      else shown.set(slot, to);
      const entry = entries.get(slot);
      if (entry !== undefined) entry.seen = to?.(entry.model);
    },
    async close() {
      for (const slot of [...entries.keys()]) swap(slot, undefined);
      const over = new AbortController();
      const patience = clock.sleep(CLOSE_MS, over.signal);
      await Promise.race([Promise.all(disposals), patience]);
      over.abort();
      closing.abort();
    },
  };
}

const newEntry = (model: LoadedModel, seen: Seen | undefined): Entry => ({
  model,
  seen,
  running: new Set(),
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
