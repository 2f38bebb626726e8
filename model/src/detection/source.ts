import { MAX_BATCH } from '../batch.ts';
import type { Activation, DetectionOutput, DetectionSource } from '../spec/types.ts';
import { type BestClasses, bestClasses, sigmoid } from './best-classes.ts';
import { at, columnsOf, type Grid, gridOf } from './grid.ts';

/** Numbers of an output tensor and their shape. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

/** Boxes and classes of a batch. */
export interface BoxBatch {
  readonly batch: number;
  readonly boxes: number;
  /** undefined where the model names a class for each box. */
  readonly classes: number | undefined;
  /** Four columns: the box. */
  boxesOf(sample: number): Grid;
  bestOf(sample: number): BestClasses;
}

export interface SourceReader {
  /** Tensor by name. */
  tensor(name: string): Numbers;
  /** Says that a tensor does not fit; never returns. */
  refuse(tensor: string, reason: string): never;
}

type Layout = DetectionOutput['layout'];

const LEAST_COLUMNS = { scores: 5, objectness: 6, scoreAndClass: 6 } as const;
/** Highest class index that a model may name. */
const MAX_CLASS = 99_999;

/** Finds boxes, scores and classes in the outputs of a run. */
export function readSource(output: DetectionOutput, reader: SourceReader): BoxBatch {
  const { source } = output;
  const found =
    source.kind === 'single'
      ? singleTensor(output, source, reader)
      : separateTensors(output, source, reader);
  if (found.batch <= MAX_BATCH) return found;
  const tensor = source.kind === 'single' ? source.tensor : source.boxes;
  return reader.refuse(tensor, `has ${found.batch} samples, more than ${MAX_BATCH}`);
}

function singleTensor(
  { layout, activation, background }: DetectionOutput,
  { tensor, values }: Extract<DetectionSource, { kind: 'single' }>,
  reader: SourceReader,
): BoxBatch {
  const { shape, data } = reader.tensor(tensor);
  const { batch, boxes, columns } = sizesOf(shape, layout);
  const least = LEAST_COLUMNS[values];
  if (columns < least || (values === 'scoreAndClass' && columns > least)) {
    const reason = `of shape [${shape}] has ${columns} numbers a box as ${layout}, not ${least} or more`;
    reader.refuse(tensor, values === 'scoreAndClass' ? reason.replace(' or more', '') : reason);
  }
  const gridFor = (sample: number) => gridOf(data, sample, boxes, columns, layout);
  const first = values === 'objectness' ? 5 : 4;
  return {
    batch,
    boxes,
    classes: values === 'scoreAndClass' ? undefined : columns - first,
    boxesOf: (sample) => columnsOf(gridFor(sample), 0, 4),
    bestOf(sample) {
      const grid = gridFor(sample);
      if (values === 'scoreAndClass') {
        return namedClasses(columnsOf(grid, 4, 1), columnsOf(grid, 5, 1), activation, boxes);
      }
      const best = bestClasses(columnsOf(grid, first, columns - first), activation, background);
      if (values === 'objectness') weigh(best, columnsOf(grid, 4, 1), activation);
      return best;
    },
  };
}

function separateTensors(
  { layout, activation, background }: DetectionOutput,
  source: Extract<DetectionSource, { kind: 'separate' }>,
  reader: SourceReader,
): BoxBatch {
  const corners = reader.tensor(source.boxes);
  const { batch, boxes, columns } = sizesOf(corners.shape, layout);
  if (columns !== 4) {
    reader.refuse(source.boxes, `of shape [${corners.shape}] has ${columns} numbers a box, not 4`);
  }
  const perBox = (name: string): { data: Numbers['data']; columns: number } => {
    const { shape, data } = reader.tensor(name);
    const each = boxes * batch === 0 ? 1 : data.length / (boxes * batch);
    if (!Number.isInteger(each) || each === 0) {
      reader.refuse(name, `of shape [${shape}] does not fit ${batch} × ${boxes} boxes`);
    }
    // Some models give all in one row; what has three dimensions shows whether it is turned.
    const shown = shape.length > 2 ? sizesOf(shape, layout).columns : each;
    if (each > 1 && shown !== each) {
      const reason = `of shape [${shape}] has ${shown} numbers a box as ${layout}, not ${each}`;
      reader.refuse(name, reason);
    }
    return { data, columns: each };
  };
  const scores = perBox(source.scores);
  const named = source.classes === undefined ? undefined : perBox(source.classes);
  if (named && (named.columns !== 1 || scores.columns !== 1)) {
    reader.refuse(source.scores, 'must hold one score a box where there is a tensor of classes');
  }
  const counts = source.count === undefined ? undefined : reader.tensor(source.count).data;
  const gridFor = ({ data, columns: each }: typeof scores, sample: number) =>
    gridOf(data, sample, boxes, each, layout);
  return {
    batch,
    boxes,
    classes: named ? undefined : scores.columns,
    boxesOf: (sample) => gridOf(corners.data, sample, boxes, 4, layout),
    bestOf(sample) {
      const grid = gridFor(scores, sample);
      if (!named) return bestClasses(grid, activation, background);
      const valid = counts ? (counts[sample] ?? 0) : boxes;
      return namedClasses(grid, gridFor(named, sample), activation, valid);
    },
  };
}

/** Dimensions [batch, boxes…, columns] or [batch, columns, boxes…]; two dimensions are one sample. */
function sizesOf(
  shape: readonly number[],
  layout: Layout,
): { readonly batch: number; readonly boxes: number; readonly columns: number } {
  const [batch = 1, ...rest] = shape.length > 2 ? shape : [1, ...shape];
  const columns = (layout === 'rows' ? rest.at(-1) : rest[0]) ?? 1;
  const others = layout === 'rows' ? rest.slice(0, -1) : rest.slice(1);
  return { batch, boxes: others.reduce((product, n) => product * n, 1), columns };
}

/** Where the model names a class for each box; boxes from `valid` on are none. */
function namedClasses(
  scores: Grid,
  classes: Grid,
  activation: Activation,
  valid: number,
): BestClasses {
  const activate = activation === 'sigmoid' ? sigmoid : (x: number) => x;
  const best = { classes: new Int32Array(scores.boxes), scores: new Float64Array(scores.boxes) };
  for (let box = 0; box < scores.boxes; box++) {
    const index = Math.round(at(classes, box, 0));
    const isClass = box < valid && index >= 0 && index <= MAX_CLASS;
    best.classes[box] = isClass ? index : -1;
    best.scores[box] = isClass ? activate(at(scores, box, 0)) : 0;
  }
  return best;
}

/** Probability of a class = of an object × of the class if it is one (Redmon et al., 2016). */
function weigh({ scores }: BestClasses, objectness: Grid, activation: Activation): void {
  for (let box = 0; box < objectness.boxes; box++) {
    const value = at(objectness, box, 0);
    scores[box] = scores[box]! * (activation === 'none' ? value : sigmoid(value));
  }
}
