import type { PairedQuality } from '@flotilla/model';
import { targetById } from '@flotilla/targets';
import type { StaticScheme } from '../quantize/scheme.ts';
import type { Candidate, ConvertResult, VariantReport } from '../result.ts';

/** A result with every part filled in, for tests of what is made of it. */
export function exampleResult(): ConvertResult {
  return {
    model: 'parts',
    version: 3,
    source: { file: 'model.onnx', digest: DIGEST, bytes: 417_793, opset: 17 },
    data: { calibration: 66, choice: 34, evaluation: 200, synthetic: false },
    graph: {
      before: {
        nodes: 33,
        parameters: 102_064,
        bytes: 417_793,
        ops: { Conv: 9, Relu: 9, Dropout: 1 },
      },
      after: { nodes: 22, parameters: 101_000, bytes: 409_100, ops: { Conv: 9, Relu: 9 } },
      passes: [
        { pass: 'dropout-removal', changed: 1, did: ['removed: drop'], declined: [], notes: [] },
        {
          pass: 'conv-batchnorm',
          changed: 0,
          did: [],
          declined: ['norm_4: its input has other consumers'],
          notes: [],
        },
        { pass: 'gelu', changed: 0, did: [], declined: [], notes: [] },
        { pass: 'attention', changed: 0, did: [], declined: [], notes: [] },
      ],
    },
    searches: [
      {
        target: 'x86-64',
        candidates: [
          candidate('fp32', 0, 1.3, 409_100, 'front'),
          candidate('int8 min-max', 9, 0.5, 133_000, 'outside'),
          candidate('int8 percentile, equalized', 1, 0.51, 133_000, 'chosen'),
          candidate('fp16', 0, 1.4, 205_000, 'within'),
        ],
        sensitivity: [
          { node: '/head/boxes/Conv', op: 'Conv', kl: 0.12, db: 8.2 },
          { node: '/stem/Conv', op: 'Conv', kl: 0.01, db: 18.4 },
          { node: '/block1/Conv', op: 'Conv', kl: 0.0001, db: 41 },
        ],
        verdict:
          'int8 percentile, equalized was chosen: it is the fastest within the budget of 0.5 points.',
      },
    ],
    variants: [variant()],
    warnings: ['3 of 200 rows of labels.csv name no file'],
    notes: [],
  };
}

const DIGEST = `sha256:${'ab'.repeat(32)}` as const;

const SCHEME: StaticScheme = {
  precision: 'int8',
  form: targetById('x86-64').qdq,
  method: 'percentile',
  equalize: true,
  biasCorrection: false,
  rounding: 'nearest',
  float: [],
};

function quality(lost: number): PairedQuality {
  return {
    metric: 'top1',
    samples: 200,
    fp32: 0.95,
    variant: 0.95 - lost / 200,
    lost,
    won: 0,
    agreement: 1 - lost / 200,
    kl: lost / 1000,
    interval: [-0.01, 0.02],
    pValue: 1,
  };
}

function candidate(
  name: string,
  lost: number,
  ms: number,
  bytes: number,
  kind: 'chosen' | 'front' | 'within' | 'outside',
): Candidate {
  return {
    name,
    scheme: name.startsWith('int8') ? SCHEME : { precision: 'fp32' },
    quality: quality(lost),
    divergence: lost / 1000,
    db: 60 - lost,
    withinBudget: kind !== 'outside',
    latencyMs: { fp32: 1.3, variant: ms, measuredOn: MEASURED_ON },
    bytes,
    onFront: kind === 'chosen' || kind === 'front',
    chosen: kind === 'chosen',
  };
}

const MEASURED_ON = { cpu: 'a processor', provider: 'cpu', threads: 1 } as const;

function variant(): VariantReport {
  const light = { slice: 'light', value: 'dim', ...quality(1) };
  return {
    target: 'x86-64',
    precision: 'int8',
    file: 'out/parts-3-x86-64-int8.flotilla',
    digest: DIGEST,
    bytes: 133_000,
    opset: 13,
    memoryBytes: 56_000_000,
    recipeFile: 'out/parts-3-x86-64-int8-recipe.json',
    scheme: SCHEME,
    graph: { nodes: 60, parameters: 101_400, bytes: 133_000, ops: { Conv: 9, QuantizeLinear: 12 } },
    accuracy: { ...quality(1), passed: true, judged: 'passed by point estimate', slices: [light] },
    latencyMs: { fp32: 1.3, variant: 0.51, measuredOn: MEASURED_ON },
    sqnr: [
      { node: '/head/boxes/Conv', db: 17.5 },
      { node: '/stem/Conv', db: 33 },
    ],
    ranges: [
      range('image', [-2.1, 2.6], [-2.1, 2.6]),
      range('/stem/Relu_output_0', [0, 14], [0, 6]),
      range('/head/boxes/Conv_output_0', [-0.02, 31_000], [-120, 30_500]),
    ],
    skipped: [{ node: '/head/Resize', reason: 'it interpolates' }],
    warnings: ['judged by 200 samples only'],
  };
}

function range(value: string, [low, high]: [number, number], [min, max]: [number, number]) {
  const scale = (max - min) / 255;
  const seen = { min: low, max: high };
  return {
    value,
    seen,
    min,
    max,
    scale,
    zeroPoint: Math.round(-min / scale),
    type: 'uint8',
  } as const;
}
