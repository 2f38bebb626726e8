import type { QdqForm, TargetProfile } from '@flotilla/targets';
import { type CalibrationMethod, calibrate } from './calibrate/calibrate.ts';
import { feedsOf } from './data/samples.ts';
import type { Makeable } from './precisions.ts';
import type { Ranges } from './quantize/plan-context.ts';
import { type Quantized, quantize } from './quantize/quantize.ts';
import type { Scheme } from './quantize/scheme.ts';
import type { OnProgress } from './request.ts';
import { type Reference, type Verification, verify } from './verify/verify.ts';

/**
 * The steps from an fp32 model to a verified variant. Targets share their results: the ranges are
 * of the model, and targets with one QDQ form get the same file.
 */
export interface Workshop {
  /** Ranges of the activations; undefined where the precision needs none or there are no samples. */
  calibrate(precision: Makeable): Promise<Ranges | undefined>;
  quantize(
    precision: Makeable,
    profile: TargetProfile,
    ranges: Ranges | undefined,
  ): Promise<Quantized>;
  verify(variant: Quantized, profile: TargetProfile): Promise<Verification>;
}

interface WorkshopOptions {
  readonly method: CalibrationMethod;
  readonly maxDrop: number;
  readonly latencyRuns: number;
  readonly onProgress: OnProgress;
}

export function openWorkshop(
  reference: Reference,
  { method, maxDrop, latencyRuns, onProgress }: WorkshopOptions,
): Workshop {
  const { data, source, model } = reference;
  const variants = new Map<string, Quantized>();
  const verified = new Map<Quantized, Promise<Verification>>();
  let ranges: Promise<Ranges> | undefined;
  return {
    async calibrate(precision) {
      const total = data.calibration.items.length;
      if (precision !== 'int8' || total === 0) return undefined;
      ranges ??= calibrate(model, feedsOf(data.calibration), {
        runtime: source.runtime,
        method,
        onSample: (done) => onProgress({ step: 'calibrate', done, total }),
      });
      return await ranges;
    },
    async quantize(precision, { id: target, qdq }, calibrated) {
      const key = precision === 'int8' ? JSON.stringify(qdq) : precision;
      const known = variants.get(key);
      const scheme = schemeOf(precision, qdq, method);
      const calibration = calibrated && {
        statistics: {
          samples: data.calibration.items.length,
          methods: [method],
          ranges: () => calibrated,
        },
        samples: () => feedsOf(data.calibration),
        runtime: source.runtime,
      };
      const variant = known ?? (await quantize({ model, scheme, calibration }));
      variants.set(key, variant);
      onProgress({ step: 'quantize', target, precision, done: 1, total: 1 });
      return variant;
    },
    async verify(variant, { id: target }) {
      const { precision } = variant;
      const total = data.evaluation.items.length;
      const onSample = (done: number) =>
        onProgress({ step: 'verify', target, precision, done, total });
      const known = verified.get(variant);
      const result = known ?? verify(variant, reference, { maxDrop, latencyRuns, onSample });
      verified.set(variant, result);
      return await result;
    },
  };
}

function schemeOf(precision: Makeable, form: QdqForm, method: CalibrationMethod): Scheme {
  switch (precision) {
    case 'fp32':
      return { precision };
    case 'fp16':
      return { precision, float: [] };
    case 'int8': {
      const plain = { equalize: false, biasCorrection: false, rounding: 'nearest' } as const;
      return { precision, form, method, ...plain, float: [] };
    }
  }
}
