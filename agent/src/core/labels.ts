import { FlotillaError } from '@flotilla/protocol';
import type { Inference } from './serving/loaded-model.ts';
import type { LabelCounter, Recorder } from './telemetry/recorder.ts';

/** What a sample truly was: a label of the model's, or the index of a class. */
export type Truth = string | number;

export interface Labeled {
  /** Samples that the label is of, and of how many the model had named the true class. */
  readonly labeled: number;
  readonly correct: number;
  /** False where the same was told before. */
  readonly counted: boolean;
}

/** Tells how often a model was right, once somebody knows. */
export interface Labels {
  /**
   * Keeps what an inference said until its label comes; of a slot the last 2048. One without
   * a classification has none and is passed over.
   *
   * @param id one that was used before now stands for this inference
   */
  remember(slot: string, id: string, inference: Inference): void;
  /** The label, when it comes, is of what another model said of the same input, too. */
  alsoSaid(inference: Inference, other: Inference): void;
  /**
   * @param truth one for each sample
   * @throws FlotillaError `label.not-found`, `label.invalid`, `label.given` where it was another
   */
  label(slot: string, id: string, truth: Truth | readonly Truth[]): Labeled;
}

/** Of a slot; the oldest go. */
const KEPT = 2048;
/** In messages. */
const SHOWN_CLASSES = 20;

/** What one model said. */
interface Said {
  /** Class by sample. */
  readonly classes: readonly number[];
  /** Classes that the model has. */
  readonly count: number;
  readonly counter: LabelCounter;
}

interface Entry {
  readonly said: Said;
  /** What a shadow said of the same. */
  other?: Said;
  truth: readonly Truth[] | undefined;
}

export function createLabels(recorder: Pick<Recorder, 'labelsOf'>): Labels {
  const slots = new Map<string, Map<string, Entry>>();
  const entries = new WeakMap<Inference, Entry>();

  function saidBy({ installed, predictions }: Inference): Said | undefined {
    const found = predictions.filter((prediction) => prediction.kind === 'classification');
    const counter = recorder.labelsOf(installed);
    if (found[0] === undefined || counter === undefined) return undefined;
    const { length: count } = found[0].probabilities;
    return { classes: found.map(({ index }) => index), count, counter };
  }

  return {
    remember(slot, id, inference) {
      const said = saidBy(inference);
      if (said === undefined) return;
      const kept = slots.get(slot) ?? new Map<string, Entry>();
      slots.set(slot, kept);
      const entry: Entry = { said, truth: undefined };
      kept.delete(id);
      kept.set(id, entry);
      entries.set(inference, entry);
      const [oldest = ''] = kept.keys();
      if (kept.size > KEPT) kept.delete(oldest);
    },
    alsoSaid(inference, other) {
      const entry = entries.get(inference);
      const said = entry && saidBy(other);
      if (entry === undefined || said === undefined) return;
      if (entry.truth === undefined) entry.other = said;
      else count(said, entry.truth);
    },
    label(slot, id, truth) {
      const entry = slots.get(slot)?.get(id);
      if (entry === undefined) {
        throw new FlotillaError('label.not-found', { slot: cut(slot), id: cut(id), kept: KEPT });
      }
      const all = typeof truth === 'object' ? truth : [truth];
      const { said, other, truth: before } = entry;
      checkTruth(slot, said, all);
      if (before === undefined) {
        entry.truth = all;
        for (const one of [said, other]) if (one !== undefined) count(one, all);
      } else if (!isSame(said, before, all)) {
        throw new FlotillaError('label.given', { id: cut(id), before: cut(before.join(', ')) });
      }
      return {
        labeled: all.length,
        correct: correctIn(said, all),
        counted: before === undefined,
      };
    },
  };
}

/** Another version may have another order of classes, or lack one: then it was wrong. */
const indexOf = ({ counter: { classes } }: Said, truth: Truth): number =>
  typeof truth === 'number' ? truth : (classes?.indexOf(truth) ?? -1);

const correctIn = (said: Said, truth: readonly Truth[]): number =>
  truth.filter((one, sample) => indexOf(said, one) === said.classes[sample]).length;

const isSame = (said: Said, a: readonly Truth[], b: readonly Truth[]): boolean =>
  a.every((one, sample) => indexOf(said, one) === indexOf(said, b[sample] ?? -1));

const count = (said: Said, truth: readonly Truth[]): void =>
  said.counter.count(truth.length, correctIn(said, truth));

/** @throws FlotillaError `label.invalid` */
function checkTruth(slot: string, said: Said, truth: readonly Truth[]): void {
  const refuse = (reason: string): never => {
    throw new FlotillaError('label.invalid', { slot: cut(slot), reason });
  };
  const samples = said.classes.length;
  if (truth.length !== samples) refuse(`${truth.length} for an inference on ${samples}`);
  for (const one of truth) {
    const index = indexOf(said, one);
    if (Number.isInteger(index) && index >= 0 && index < said.count) continue;
    const { classes = [] } = said.counter;
    const names = classes.slice(0, SHOWN_CLASSES).join(', ');
    const more = classes.length > SHOWN_CLASSES ? ', …' : '';
    const known = names === '' ? `classes 0 to ${said.count - 1}` : `the classes ${names}${more}`;
    refuse(`it has ${known}, and not ${cut(JSON.stringify(one))}`);
  }
}

const cut = (text: string): string => text.slice(0, 80);
