import type { ConvertRequest } from '@flotilla/converters';
import type { Limits } from './zoo/subject.ts';

/** What Flotilla's int8 of a model is held to. */
export interface Expected {
  readonly samples: Limits;
  /** Accuracy of the float model: shows that samples are prepared as the model wants them. */
  readonly fp32?: number;
  /** Least agreement of static int8 with fp32. */
  readonly agreement: number;
  /** Settings that are given and not searched for. */
  readonly scheme?: ConvertRequest['scheme'];
  /** What onnxruntime.quantization 1.30 reaches with the same samples (`npm run bench:converters`). */
  readonly peer?: Peer;
}

interface Peer {
  /** False where its per-channel model fails. */
  readonly perChannel: boolean;
  /** Mean KL divergence from fp32 in nats, by method. */
  readonly kl: Readonly<Record<'min-max' | 'percentile' | 'entropy', number>>;
}

const USUAL: Limits = { calibration: 100, evaluation: 1000 };

export const EXPECTED: Readonly<Record<string, Expected>> = {
  squeezenet: {
    samples: USUAL,
    fp32: 0.595,
    agreement: 0.95,
    peer: {
      perChannel: true,
      kl: { 'min-max': 0.23075, percentile: 0.21933, entropy: 0.23075 },
    },
  },
  kws01: {
    samples: USUAL,
    fp32: 0.8956,
    agreement: 0.985,
    peer: {
      perChannel: true,
      kl: { 'min-max': 0.011304, percentile: 0.010363, entropy: 0.011304 },
    },
  },
  mobilenet: {
    samples: USUAL,
    fp32: 0.49,
    agreement: 0.92,
    peer: { perChannel: true, kl: { 'min-max': 0.65463, percentile: 0.6461, entropy: 0.65463 } },
  },
  mnist: {
    samples: USUAL,
    fp32: 0.987,
    agreement: 0.998,
    peer: {
      perChannel: false,
      kl: { 'min-max': 8.1284e-5, percentile: 9.6831e-5, entropy: 8.1284e-5 },
    },
  },
  parts: {
    samples: USUAL,
    fp32: 0.995,
    agreement: 0.99,
    peer: {
      perChannel: true,
      kl: { 'min-max': 1.2977e-4, percentile: 1.035e-4, entropy: 1.2977e-4 },
    },
  },
  ic01: { samples: USUAL, agreement: 0.93 },
  cifar10: { samples: USUAL, agreement: 0.98 },
  silero: { samples: { calibration: 100, evaluation: 200 }, agreement: 0 },
  // A run takes a second: nothing is searched.
  style: {
    samples: { calibration: 2, evaluation: 2 },
    agreement: 0,
    scheme: { method: 'min-max', equalize: false, biasCorrection: false, rounding: 'nearest' },
  },
};
