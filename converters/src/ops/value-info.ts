import type { Dim, Graph, Model, ValueInfo, ValueType } from '../ir/graph.ts';
import { inferFacts, type ValueFacts } from './facts.ts';

/**
 * Brings what a model says of its values in line with what follows from its inputs: exporters leave
 * types and shapes of another form of the model there. Nothing is said of values that it is silent
 * about.
 */
export function refreshValueInfo(model: Model): void {
  for (const [graph, facts] of inferFacts(model.graph, { declared: false })) {
    const refresh = (info: ValueInfo) => refreshed(info, facts.get(info.name));
    for (const info of [...graph.valueInfo.values()]) {
      graph.valueInfo.set(info.name, refresh(info));
    }
    graph.outputs = graph.outputs.map(refresh);
    if (graph !== model.graph) graph.inputs = graph.inputs.map(refresh);
  }
}

function refreshed(info: ValueInfo, facts: ValueFacts | undefined): ValueInfo {
  const { type } = info;
  if (type?.kind !== 'tensor' || facts === undefined) return info;
  const shape = facts.shape ? combined(facts.shape, type.shape) : type.shape;
  return { ...info, type: { ...type, dtype: facts.dtype ?? type.dtype, shape } };
}

/** A name that the file gives a size is worth more than an expression for it. */
function combined(inferred: readonly Dim[], declared: readonly Dim[] | undefined): readonly Dim[] {
  if (declared?.length !== inferred.length) return inferred;
  return inferred.map((dim, i) => (typeof dim === 'number' ? dim : (declared[i] ?? dim)));
}

/** Applies a change of types and shapes to all that a graph says of its values. */
export function mapValueInfo(graph: Graph, change: (type: ValueType) => ValueType): void {
  const changed = (info: ValueInfo) =>
    info.type === undefined ? info : { ...info, type: change(info.type) };
  graph.inputs = graph.inputs.map(changed);
  graph.outputs = graph.outputs.map(changed);
  for (const info of [...graph.valueInfo.values()]) graph.valueInfo.set(info.name, changed(info));
}
