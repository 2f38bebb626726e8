import { FlotillaError } from '@flotilla/protocol';
import { allGraphs } from '../ir/edit.ts';
import type { Dim, Graph, Model, ValueInfo, ValueType } from '../ir/graph.ts';
import { mapValueInfo, refreshValueInfo } from '../ops/value-info.ts';

/** The whole shape of an input, where −1 and null leave a size as it is; or one size, by its name. */
export type FixedShape = readonly (number | null)[] | number;

/** Sizes are 32-bit in most runtimes. */
const MAX_SIZE = 2 ** 31 - 1;

/**
 * Gives inputs sizes that a model leaves open, in place, and with them what the model says of its
 * other values. A key is an input's name or the name of a size, as the model spells it; a size that
 * becomes known with one input becomes known wherever its name stands.
 *
 * @throws FlotillaError `shape.unfit` naming the input or size that does not fit the model, or that
 * two settings give different values
 */
export function fixShapes(model: Model, shapes: Readonly<Record<string, FixedShape>>): void {
  const sizes = new Map<string, number>();
  for (const [name, shape] of Object.entries(shapes)) {
    if (typeof shape === 'number') fixSize(model.graph, name, shape, sizes);
    else fixInput(model.graph, name, shape, sizes);
  }
  for (const graph of allGraphs(model.graph)) {
    mapValueInfo(graph, (type) => withSizes(type, sizes));
  }
  refreshValueInfo(model);
}

function fixSize(graph: Graph, name: string, size: number, sizes: Map<string, number>): void {
  const names = graph.inputs.flatMap((info) => dimsOf(info) ?? []);
  if (!names.includes(name)) {
    const isInput = graph.inputs.some((info) => info.name === name);
    const reason = isInput
      ? 'it is an input: give its whole shape, such as 1,3,224,224'
      : `no input has a size of that name; ${known(graph)}`;
    throw new FlotillaError('shape.unfit', { name, reason });
  }
  settle(name, size, sizes, name);
}

function fixInput(
  graph: Graph,
  name: string,
  shape: readonly (number | null)[],
  sizes: Map<string, number>,
): void {
  const at = graph.inputs.findIndex((info) => info.name === name);
  const info = graph.inputs[at];
  if (info?.type?.kind !== 'tensor') {
    const reason = info ? 'it is no tensor' : `no input has that name; ${known(graph)}`;
    throw new FlotillaError('shape.unfit', { name, reason });
  }
  const declared = info.type.shape ?? shape.map(() => null);
  if (declared.length !== shape.length) {
    const reason = `the model gives it ${declared.length} sizes [${spelled(declared)}], not ${shape.length}`;
    throw new FlotillaError('shape.unfit', { name, reason });
  }
  const fixed = declared.map((dim, axis) => {
    const size = shape[axis] ?? -1;
    if (size === -1) return dim;
    checkSize(name, size);
    if (typeof dim === 'string') settle(dim, size, sizes, name);
    if (typeof dim === 'number' && dim !== size) {
      const reason = `size ${axis} is ${dim} in the model, not ${size}`;
      throw new FlotillaError('shape.unfit', { name, reason });
    }
    return size;
  });
  graph.inputs[at] = { ...info, type: { ...info.type, shape: fixed } };
}

/** One name of a size stands for one number. */
function settle(symbol: string, size: number, sizes: Map<string, number>, name: string): void {
  checkSize(name, size);
  const before = sizes.get(symbol);
  if (before !== undefined && before !== size) {
    const reason = `the size ${JSON.stringify(symbol)} would be ${before} and ${size}`;
    throw new FlotillaError('shape.unfit', { name, reason });
  }
  sizes.set(symbol, size);
}

function checkSize(name: string, size: number): void {
  if (Number.isInteger(size) && size >= 1 && size <= MAX_SIZE) return;
  const reason = `a size must be a whole number from 1 to ${MAX_SIZE}, not ${size}`;
  throw new FlotillaError('shape.unfit', { name, reason });
}

function withSizes(type: ValueType, sizes: ReadonlyMap<string, number>): ValueType {
  if (type.kind !== 'tensor' || type.shape === undefined) return type;
  const shape = type.shape.map((dim) => (typeof dim === 'string' ? (sizes.get(dim) ?? dim) : dim));
  return { ...type, shape };
}

function dimsOf({ type }: ValueInfo): readonly Dim[] | undefined {
  return type?.kind === 'tensor' ? type.shape : undefined;
}

/** What could have been meant. */
function known(graph: Graph): string {
  const inputs = graph.inputs.map((info) => `${info.name} [${spelled(dimsOf(info) ?? [])}]`);
  return `the inputs are ${inputs.slice(0, 8).join(', ')}`;
}

function spelled(dims: readonly Dim[]): string {
  return dims.map((dim) => dim ?? '?').join(', ');
}
