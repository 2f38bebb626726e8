import type { Tensors } from '@flotilla/model';

/** One input of a model, as it is fed, and the class that is right for it where one is known. */
export interface Sample {
  readonly tensors: Tensors;
  readonly label?: number;
}

/** Disjoint samples: what ranges come from, and what models are judged by. */
export interface Samples {
  readonly calibration: readonly Sample[];
  readonly evaluation: readonly Sample[];
}

/** A model and the data that it is quantized and judged with. */
export interface Subject {
  readonly name: string;
  /** Path of the model, below the folder of test models where it is relative. */
  readonly model: string;
  /** Model spec whose inputs are raw: samples are preprocessed already, once for every tool. */
  readonly spec: string;
  /**
   * @param models folder of test models
   * @param most of each kind; more are not read
   */
  samples(models: string, most: Limits): Promise<Samples>;
}

export interface Limits {
  readonly calibration: number;
  readonly evaluation: number;
}

interface SpecParts {
  readonly name: string;
  readonly inputs: readonly string[];
  /** Output with a score for each class; left out, the outputs are no classes. */
  readonly classes?: string;
  readonly activation?: 'softmax' | 'none';
  readonly metric: 'top1' | 'agreement';
}

/** Largest net loss that a variant may have: half a point. */
export const MAX_DROP = 0.005;

export function rawSpec({ name, inputs, classes, activation, metric }: SpecParts): string {
  const outputs =
    classes === undefined
      ? 'raw: {}'
      : `classification: {tensor: ${classes}, activation: ${activation ?? 'none'}}`;
  return [
    'schema: 1',
    `name: ${name}`,
    'inputs:',
    ...inputs.map((input) => `  ${input}: {raw: {}}`),
    `outputs: {${outputs}}`,
    `evaluation: {metric: ${metric}, maxDrop: ${MAX_DROP}}`,
    '',
  ].join('\n');
}

/** Every `step`-th item calibrates, the others judge. */
export function everyNth<T>(
  items: readonly T[],
  step: number,
  most: Limits,
): { readonly calibration: T[]; readonly evaluation: T[] } {
  return {
    calibration: items.filter((_, i) => i % step === 0).slice(0, most.calibration),
    evaluation: items.filter((_, i) => i % step !== 0).slice(0, most.evaluation),
  };
}
