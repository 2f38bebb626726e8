/** Numbers of one sample: element (box, column) lies at start + box · boxStep + column · columnStep. */
export interface Grid {
  readonly data: Float32Array | Float64Array;
  readonly start: number;
  readonly boxStep: number;
  readonly columnStep: number;
  readonly boxes: number;
  readonly columns: number;
}

export function at(grid: Grid, box: number, column: number): number {
  return grid.data[grid.start + box * grid.boxStep + column * grid.columnStep]!;
}

/** Part of the columns. */
export function columnsOf(grid: Grid, first: number, columns: number): Grid {
  return { ...grid, start: grid.start + first * grid.columnStep, columns };
}

/** The grid of one sample of a batch, in a tensor of `boxes` · `columns` numbers a sample. */
export function gridOf(
  data: Grid['data'],
  sample: number,
  boxes: number,
  columns: number,
  layout: 'rows' | 'columns',
): Grid {
  const start = sample * boxes * columns;
  return layout === 'rows'
    ? { data, start, boxStep: columns, columnStep: 1, boxes, columns }
    : { data, start, boxStep: 1, columnStep: boxes, boxes, columns };
}
