import { closeNames, FlotillaError } from '@flotilla/protocol';
import { allGraphs } from '../ir/edit.ts';
import type { Graph } from '../ir/graph.ts';

/**
 * Refuses names of nodes that are not there: a misspelled one would silently run in integers.
 *
 * @throws FlotillaError `quantize.float-unknown`
 */
export function checkFloatNames(graph: Graph, names: readonly string[]): void {
  if (names.length === 0) return;
  const known = new Set(allGraphs(graph).flatMap(({ nodes }) => nodes.map(({ name }) => name)));
  const unknown = names.find((name) => !known.has(name));
  if (unknown === undefined) return;
  const close = closeNames(unknown, known);
  throw new FlotillaError('quantize.float-unknown', { node: unknown, close });
}
