import type { Tensors } from '@flotilla/model';
import { synthesize } from './calibrate/synthetic.ts';
import { cloneModel, type Model } from './ir/graph.ts';
import type { Plan } from './plan.ts';
import type { OnProgress } from './request.ts';
import { SYNTHETIC } from './settings.ts';
import type { Source } from './source.ts';

/** Makes up inputs of a model; told beforehand, what they were made from. */
export interface Synthesizer {
  make(samples: number): Promise<readonly Tensors[]>;
  readonly notes: readonly string[];
}

/**
 * What makes up calibration data, where that is asked for. It keeps the model as it is now: once
 * batch normalization is folded, nothing tells what its inputs looked like.
 */
export function synthesizer(
  { settings, needsCalibration, needsChoice }: Plan,
  { runtime, spec }: Pick<Source, 'runtime' | 'spec'>,
  model: Model,
  onProgress: OnProgress,
): Synthesizer | undefined {
  if (settings.calibration !== SYNTHETIC) return undefined;
  if (!needsCalibration && !needsChoice && settings.evaluation !== undefined) return undefined;
  const original = cloneModel(model);
  const { seed } = settings;
  const notes: string[] = [];
  return {
    notes,
    make: (samples) =>
      synthesize(original, {
        samples,
        seed,
        runtime,
        inputs: spec.inputs,
        onNote: (note) => notes.push(note),
        onProgress: (done, total) => onProgress({ step: 'calibrate', done, total }),
      }),
  };
}
