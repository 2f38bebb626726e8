/** Whether two models say the same of one input. Pure. */
import { compareTensors, type Detection, type Prediction, type Tolerance } from '@flotilla/model';

/** Classes that two models named for the same thing: the active model's and the shadow's. */
export type ClassPair = readonly [active: number, shadow: number];

/** What came of running both models on one input. */
export interface Agreement {
  /** Samples in the input. */
  readonly compared: number;
  /** Of these, those of which both say the same, in every kind of output. */
  readonly agreed: number;
  /** Of classes that differ; of boxes there may be several in a sample. */
  readonly differing: readonly ClassPair[];
  /**
   * Of each sample that both are more or less sure of: the shadow's confidence less the active
   * model's, in the first kind of output that tells it.
   */
  readonly confidenceChanges: readonly number[];
}

/** Boxes that overlap by so much of what both cover are of the same thing (PASCAL VOC's criterion). */
const SAME_BOX_IOU = 0.5;
/** Numbers that differ by no more are the same to whoever acts on them. */
const SAME_NUMBER: Tolerance = { absolute: 1e-6, relative: 0.05 };
/** Embeddings that lead to the same neighbors, as a rule. */
const SAME_DIRECTION = 0.95;

/**
 * Compares predictions of one request, sample by sample. Models that give other kinds of outputs, or
 * another number of samples, agree in none.
 */
export function agreement(active: readonly Prediction[], shadow: readonly Prediction[]): Agreement {
  const samples = samplesOf(active);
  const agrees = new Array<boolean>(samples).fill(active.length === shadow.length);
  const differing: ClassPair[] = [];
  const changes = new Map<number, number>();
  for (const [i, before] of active.entries()) {
    const after = shadow[i];
    const sample = i % samples;
    if (after === undefined || after.kind !== before.kind || !isSame(before, after, differing)) {
      agrees[sample] = false;
    }
    const change = after === undefined ? undefined : changeOf(before, after);
    if (change !== undefined && !changes.has(sample)) changes.set(sample, change);
  }
  const agreed = agrees.filter((same) => same).length;
  return { compared: samples, agreed, differing, confidenceChanges: [...changes.values()] };
}

/** Predictions come kind by kind, one a sample. */
const samplesOf = (predictions: readonly Prediction[]): number =>
  predictions.filter(({ kind }) => kind === predictions[0]?.kind).length;

function isSame(active: Prediction, shadow: Prediction, differing: ClassPair[]): boolean {
  switch (active.kind) {
    case 'classification':
      return shadow.kind === active.kind && isSameClass(active.index, shadow.index, differing);
    case 'detection':
      return shadow.kind === active.kind && areSameBoxes(active, shadow, differing);
    case 'regression':
      return shadow.kind === active.kind && areSameNumbers(active.values, shadow.values);
    case 'anomaly':
      return shadow.kind === active.kind && shadow.anomalous === active.anomalous;
    case 'embedding':
      return shadow.kind === active.kind && cosine(active.vector, shadow.vector) >= SAME_DIRECTION;
    case 'raw':
      return (
        shadow.kind === active.kind &&
        compareTensors(active.tensors, shadow.tensors, SAME_NUMBER).passed
      );
  }
}

function isSameClass(active: number, shadow: number, differing: ClassPair[]): boolean {
  if (active === shadow) return true;
  differing.push([active, shadow]);
  return false;
}

/**
 * Every box of the active model, the surest first, takes the box of the shadow that overlaps it most
 * and is still free. They say the same where no box is left over and all pairs are of one class.
 */
function areSameBoxes(
  active: { readonly detections: readonly Detection[] },
  shadow: { readonly detections: readonly Detection[] },
  differing: ClassPair[],
): boolean {
  const free = new Set(shadow.detections);
  let same = active.detections.length === shadow.detections.length;
  for (const box of active.detections) {
    const match = closest(box, free);
    if (match !== undefined) free.delete(match);
    if (match === undefined || !isSameClass(box.index, match.index, differing)) same = false;
  }
  return same;
}

function closest(box: Detection, among: Iterable<Detection>): Detection | undefined {
  let best: Detection | undefined;
  let overlap = SAME_BOX_IOU;
  for (const other of among) {
    const iou = intersectionOverUnion(box.box, other.box);
    if (iou < overlap) continue;
    overlap = iou;
    best = other;
  }
  return best;
}

function intersectionOverUnion(a: Detection['box'], b: Detection['box']): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  const shared = Math.max(0, width) * Math.max(0, height);
  const union = areaOf(a) + areaOf(b) - shared;
  return union > 0 ? shared / union : 0;
}

const areaOf = ({ left, top, right, bottom }: Detection['box']): number =>
  Math.max(0, right - left) * Math.max(0, bottom - top);

const areSameNumbers = (active: Float64Array, shadow: Float64Array): boolean =>
  active.length === shadow.length &&
  active.every((value, i) => {
    const error = Math.abs(value - (shadow[i] ?? Number.NaN));
    return error <= SAME_NUMBER.absolute + SAME_NUMBER.relative * Math.abs(value);
  });

function cosine(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return 0;
  let dot = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (const [i, x] of a.entries()) {
    const y = b[i] ?? 0;
    dot += x * y;
    squaresA += x * x;
    squaresB += y * y;
  }
  return squaresA * squaresB > 0
    ? dot / Math.sqrt(squaresA * squaresB)
    : Number(squaresA === squaresB);
}

function changeOf(active: Prediction, shadow: Prediction): number | undefined {
  const before = confidenceOf(active);
  const after = confidenceOf(shadow);
  return before === undefined || after === undefined ? undefined : after - before;
}

/** How sure a model is of a sample; of boxes the mean, as in telemetry. */
function confidenceOf(prediction: Prediction): number | undefined {
  if (prediction.kind === 'classification') return prediction.confidence;
  if (prediction.kind !== 'detection' || prediction.detections.length === 0) return undefined;
  const sum = prediction.detections.reduce((total, { confidence }) => total + confidence, 0);
  return sum / prediction.detections.length;
}
