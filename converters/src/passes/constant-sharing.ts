import { createHash } from 'node:crypto';
import { allGraphs, createNamer, renameUses } from '../ir/edit.ts';
import type { Graph } from '../ir/graph.ts';
import { byteLength, headOf, piecesOf, sameBytes, storageOf } from '../ir/stored.ts';
import type { TensorValue } from '../ir/tensor.ts';
import type { Pass } from './pass.ts';

/** Constants below this size are not worth a name in the outermost graph. */
const MIN_BYTES = 1 << 10;

/** Bytes of a tensor that tell most unequal ones apart. */
const HEAD_BYTES = 64;

interface Place {
  readonly graph: Graph;
  readonly name: string;
  readonly tensor: TensorValue;
}

/**
 * Keeps one copy of each constant, in the outermost graph: exporters write tied weights twice, and
 * folding the same computation in both branches of an If would double them.
 */
export const constantSharing: Pass = {
  name: 'constant-sharing',
  run(model) {
    const { graph: root } = model;
    const { fresh } = createNamer(root);
    const copies = findCopies(root);
    const names = new Map<Graph, Map<string, string>>();
    for (const places of copies) {
      const home = places.find((place) => place.graph === root);
      const name = home?.name ?? fresh(places[0]!.name);
      if (home === undefined) root.initializers.set(name, places[0]!.tensor);
      for (const place of places.filter((each) => each !== home)) {
        place.graph.initializers.delete(place.name);
        place.graph.valueInfo.delete(place.name);
        names.set(place.graph, (names.get(place.graph) ?? new Map()).set(place.name, name));
      }
    }
    for (const [graph, renamed] of names) renameUses(graph.nodes, renamed);
    const did = copies.map((places) => `${places.map(({ name }) => name).join(', ')}: are one`);
    return { changed: copies.reduce((sum, places) => sum + places.length - 1, 0), did };
  },
};

/** Places of equal constants, two or more of each. */
function findCopies(root: Graph): Place[][] {
  const alike = groupsBy(allGraphs(root).flatMap(placesIn), ({ tensor }) => keyOf(tensor));
  const equal = alike.flatMap((places) => groupsBy(places, ({ tensor }) => digestOf(tensor)));
  return equal.filter(([first, ...others]) =>
    others.every(({ tensor }) => sameBytes(first!.tensor, tensor)),
  );
}

/** Those of one key together, where there are two or more. */
function groupsBy(places: readonly Place[], key: (place: Place) => string): Place[][] {
  return [...Map.groupBy(places, key).values()].filter((group) => group.length > 1);
}

/** Thousands of tensors may begin alike, which comparing each with each would take minutes for. */
function digestOf(tensor: TensorValue): string {
  const hash = createHash('sha256');
  for (const piece of piecesOf(storageOf(tensor))) hash.update(piece);
  return hash.digest('hex');
}

function placesIn(graph: Graph): Place[] {
  const outputs = new Set(graph.outputs.map((output) => output.name));
  return [...graph.initializers]
    .filter(([name, tensor]) => byteLength(tensor) >= MIN_BYTES && !outputs.has(name))
    .map(([name, tensor]) => ({ graph, name, tensor }));
}

function keyOf(tensor: TensorValue): string {
  return `${tensor.dtype} ${tensor.dims} ${headOf(tensor, HEAD_BYTES)}`;
}
