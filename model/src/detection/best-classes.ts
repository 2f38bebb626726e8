import type { Activation } from '../spec/types.ts';
import { at, type Grid } from './grid.ts';

/** The most probable class of each box. */
export interface BestClasses {
  /** −1 where there is none: all scores are NaN, or the background's. */
  readonly classes: Int32Array;
  /** Probabilities; 0 where there is no class. */
  readonly scores: Float64Array;
}

/**
 * @param grid scores, a column a class
 * @param background class that stands for nothing and is never the best
 */
export function bestClasses(
  grid: Grid,
  activation: Activation,
  background: number | undefined,
): BestClasses {
  const classes = new Int32Array(grid.boxes).fill(-1);
  const scores = new Float64Array(grid.boxes).fill(Number.NEGATIVE_INFINITY);
  const { data, start, boxStep, columnStep, boxes, columns } = grid;
  const consider = (box: number, column: number, at: number) => {
    const score = data[at]!;
    if (score > scores[box]!) {
      scores[box] = score;
      classes[box] = column;
    }
  };
  // In the order of memory: 8,400 boxes of 80 classes do not fit the nearest cache.
  if (columnStep > boxStep) {
    for (let column = 0; column < columns; column++) {
      if (column === background) continue;
      let at = start + column * columnStep;
      for (let box = 0; box < boxes; box++, at += boxStep) consider(box, column, at);
    }
  } else {
    for (let box = 0; box < boxes; box++) {
      let at = start + box * boxStep;
      for (let column = 0; column < columns; column++, at += columnStep) {
        if (column !== background) consider(box, column, at);
      }
    }
  }
  const best = { classes, scores };
  activate(grid, activation, best);
  return best;
}

/** No activation changes which class is best, so only that one is activated. */
function activate(grid: Grid, activation: Activation, { classes, scores }: BestClasses): void {
  for (let box = 0; box < grid.boxes; box++) {
    if (classes[box]! < 0) scores[box] = 0;
    else if (activation === 'sigmoid') scores[box] = sigmoid(scores[box]!);
    else if (activation === 'softmax') scores[box] = softmaxOf(grid, box, scores[box]!);
  }
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function softmaxOf(grid: Grid, box: number, best: number): number {
  let sum = 0;
  for (let column = 0; column < grid.columns; column++) {
    sum += Math.exp(at(grid, box, column) - best);
  }
  return 1 / sum;
}
