import { allGraphs, createNamer, replaceUses } from '../ir/edit.ts';
import type { Graph } from '../ir/graph.ts';
import { byteLength, headOf, sameBytes } from '../ir/stored.ts';
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
 * Keeps one copy of a constant that several branches hold, in the outermost graph: folding the same
 * computation in both branches of an If would otherwise double its weights. Copies within the
 * outermost graph alone stay, so that each operator may be quantized on its own.
 */
export const constantSharing: Pass = {
  name: 'constant-sharing',
  run(model) {
    const { fresh } = createNamer(model.graph);
    const copies = findCopies(model.graph);
    for (const places of copies) {
      const home = places.find((place) => place.graph === model.graph);
      const name = home?.name ?? fresh(places[0]!.name);
      model.graph.initializers.set(name, places[0]!.tensor);
      for (const place of places) {
        if (place.graph === model.graph) continue;
        place.graph.initializers.delete(place.name);
        place.graph.valueInfo.delete(place.name);
        replaceUses(place.graph, place.name, name);
      }
    }
    return { changed: copies.reduce((sum, places) => sum + places.length - 1, 0) };
  },
};

/** Places of equal constants, of which at least one is a nested graph; one place of the outermost. */
function findCopies(root: Graph): Place[][] {
  const groups = new Map<string, Place[][]>();
  for (const place of allGraphs(root).flatMap(placesIn)) {
    const group = groups.get(keyOf(place.tensor)) ?? [];
    groups.set(keyOf(place.tensor), group);
    const equal = group.find(([first]) => sameBytes(first!.tensor, place.tensor));
    if (equal === undefined) group.push([place]);
    else if (place.graph !== root) equal.push(place);
  }
  return [...groups.values()].flat().filter((places) => places.length > 1);
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
