import { type Complain, spread } from './numbers.ts';
import type {
  AnomalyDocument,
  DetectionDocument,
  OutputsDocument,
  RegressionDocument,
} from './output-schema.ts';
import type {
  AnchorSpec,
  AnomalyOutput,
  DetectionOutput,
  DetectionSource,
  Labels,
  OutputsSpec,
  RegressionOutput,
} from './types.ts';

const DEFAULT_IOU = 0.5;
const DEFAULT_SCORE = 0.25;
const DEFAULT_DETECTIONS = 100;

/** @param inputs names of the inputs, one of which a reconstruction is compared with */
export function normalizeOutputs(
  outputs: OutputsDocument,
  inputs: readonly string[],
  complain: Complain,
): OutputsSpec {
  const { classification, detection, regression, anomaly, embedding, raw } = outputs;
  const [labels, others] = [classification?.labels, detection?.labels];
  if (labels && others && JSON.stringify(labels) !== JSON.stringify(others)) {
    complain('outputs.detection.labels', 'must be those of classification: a bundle has one list');
  }
  return {
    classification: classification && {
      tensor: classification.tensor,
      labels: normalizeLabels(classification.labels),
      activation: classification.activation ?? 'softmax',
    },
    detection: detection && normalizeDetection(detection, complain),
    regression: regression && normalizeRegression(regression, complain),
    anomaly: anomaly && normalizeAnomaly(anomaly, inputs, complain),
    embedding: embedding && {
      tensor: embedding.tensor,
      normalize: embedding.normalize ?? 'none',
    },
    raw: raw !== undefined,
  };
}

function normalizeLabels(labels: string | readonly string[] | undefined): Labels | undefined {
  if (labels === undefined) return undefined;
  return typeof labels === 'string' ? { file: labels } : { names: labels };
}

function normalizeDetection(detection: DetectionDocument, complain: Complain): DetectionOutput {
  const { nms } = detection;
  const source = sourceOf(detection, complain);
  // Models that name a class for each box have suppressed the others themselves.
  const given = source.kind === 'single' ? source.values === 'scoreAndClass' : source.classes;
  return {
    source,
    format: detection.format,
    normalized: detection.normalized ?? false,
    layout: detection.layout ?? 'rows',
    activation: detection.activation ?? 'none',
    background: detection.background,
    anchors: detection.anchors && anchorsOf(detection.anchors, detection.format, complain),
    labels: normalizeLabels(detection.labels),
    nms: {
      iou: nms?.iou ?? (given ? 1 : DEFAULT_IOU),
      score: nms?.score ?? DEFAULT_SCORE,
      maxDetections: nms?.maxDetections ?? DEFAULT_DETECTIONS,
      perClass: nms?.perClass ?? true,
    },
  };
}

function sourceOf(detection: DetectionDocument, complain: Complain): DetectionSource {
  const { tensor, values, boxes, scores, classes, count } = detection;
  const where = 'outputs.detection';
  if (tensor !== undefined) {
    const other = (['boxes', 'scores', 'classes', 'count'] as const).find((key) => detection[key]);
    if (other) complain(`${where}.${other}`, 'must not be given beside tensor');
    return { kind: 'single', tensor, values: values ?? 'scores' };
  }
  if (values !== undefined) complain(`${where}.values`, 'says what is in tensor, which is missing');
  if (boxes === undefined) return complain(`${where}.boxes`, 'is missing; give it, or tensor');
  if (scores === undefined) return complain(`${where}.scores`, 'is missing beside boxes');
  return { kind: 'separate', boxes, scores, classes, count };
}

function anchorsOf(
  anchors: NonNullable<DetectionDocument['anchors']>,
  format: DetectionDocument['format'],
  complain: Complain,
): AnchorSpec {
  const { boxes, strides, variance = [1, 1, 1, 1] } = anchors;
  const where = 'outputs.detection.anchors';
  if (format !== 'cxcywh' && format !== 'cycxhw') {
    complain('outputs.detection.format', 'must be cxcywh or cycxhw where there are anchors');
  }
  if ((boxes === undefined) === (strides === undefined)) {
    complain(where, 'must hold either boxes or strides');
  }
  if (boxes) return { anchors: { kind: 'boxes', boxes }, variance };
  return { anchors: { kind: 'strides', strides: strides ?? [] }, variance };
}

function normalizeRegression(regression: RegressionDocument, complain: Complain): RegressionOutput {
  const { tensor, names, unit } = regression;
  const where = 'outputs.regression';
  const lengthOf = (given: unknown) => (Array.isArray(given) ? given.length : 1);
  const count = names?.length ?? Math.max(lengthOf(regression.mean), lengthOf(regression.std));
  const per = (key: 'mean' | 'std', fallback: number) =>
    spread(`${where}.${key}`, regression[key], count, fallback, complain);
  const std = per('std', 1);
  if (std.includes(0)) complain(`${where}.std`, 'must not be 0: every value would be the mean');
  if (names && new Set(names).size < names.length) {
    complain(`${where}.names`, 'must not name one twice');
  }
  const units = unit === undefined ? undefined : [unit].flat();
  if (units && units.length !== 1 && units.length !== names?.length) {
    complain(`${where}.unit`, `must be one unit or one for each of names`);
  }
  return { tensor, names, mean: per('mean', 0), std, unit: units };
}

function normalizeAnomaly(
  anomaly: AnomalyDocument,
  inputs: readonly string[],
  complain: Complain,
): AnomalyOutput {
  const { tensor, reconstruction, input, error, threshold } = anomaly;
  const where = 'outputs.anomaly';
  const anomalousWhen = anomaly.anomalousWhen ?? 'above';
  if ((tensor === undefined) === (reconstruction === undefined)) {
    complain(where, 'must hold either tensor or reconstruction');
  }
  if (reconstruction === undefined) {
    for (const key of ['input', 'error'] as const) {
      if (anomaly[key]) complain(`${where}.${key}`, 'is of no use without reconstruction');
    }
    return { source: { kind: 'score', tensor: tensor ?? '' }, threshold, anomalousWhen };
  }
  if (input === undefined || !inputs.includes(input)) {
    return complain(`${where}.input`, `must be one of the inputs: ${inputs.join(', ')}`);
  }
  const source = {
    kind: 'reconstruction' as const,
    tensor: reconstruction,
    input,
    error: error ?? 'mse',
  };
  return { source, threshold, anomalousWhen };
}
