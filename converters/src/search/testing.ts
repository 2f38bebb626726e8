import type { PairedQuality } from '@flotilla/model';
import { TARGETS } from '@flotilla/targets';
import type { Scheme, StaticScheme } from '../quantize/scheme.ts';
import type { SampleNoise } from '../verify/evaluate.ts';
import type { Trial } from './trial.ts';

export const PLAIN: StaticScheme = {
  precision: 'int8',
  form: TARGETS['x86-64'].qdq,
  method: 'min-max',
  equalize: false,
  biasCorrection: false,
  rounding: 'nearest',
  float: [],
};

interface TrialParts {
  readonly divergence: number;
  /** Time relative to fp32. */
  readonly speed: number;
  readonly bytes?: number;
  readonly withinBudget?: boolean;
  readonly scheme?: Scheme;
  readonly db?: number;
  /** Of 100 samples. */
  readonly lost?: number;
  /** Default: every sample as the mean. */
  readonly bySample?: SampleNoise;
}

/** A trial with the figures that a test is about. */
export function trialOf(parts: TrialParts): Trial {
  const { divergence, speed, bytes = 1, scheme = PLAIN, db = 30, lost = 0 } = parts;
  const { withinBudget = true } = parts;
  const measuredOn = { cpu: 'a processor', provider: 'cpu', threads: 1 };
  const latency = { fp32: 10, variant: 10 * speed, measuredOn };
  const { bySample = alike(divergence, db) } = parts;
  return { scheme, quality: lossOf(lost), divergence, db, bySample, withinBudget, latency, bytes };
}

function alike(divergence: number, db: number): SampleNoise {
  const samples = <T>(value: T): T[] => new Array(4).fill(value);
  return { divergence: samples(divergence), noise: samples(10 ** (-db / 10)) };
}

function lossOf(lost: number): PairedQuality {
  return {
    metric: 'top1',
    samples: 100,
    fp32: 1,
    variant: 1 - lost / 100,
    lost,
    won: 0,
    agreement: 1 - lost / 100,
    kl: 0,
    interval: [0, 0],
    pValue: 1,
  };
}
