import { type GraphIndex, indexGraph } from '../ir/edit.ts';
import { type Graph, isOp, type Node } from '../ir/graph.ts';
import { isNumeric, toNumbers } from '../ir/tensor.ts';
import { bypassAll } from './bypass.ts';
import type { Pass } from './pass.ts';

/** Removes Dropout, which does nothing at inference, unless its mask is used or training is asked for. */
export const dropoutRemoval: Pass = {
  name: 'dropout-removal',
  run(model) {
    const declined: string[] = [];
    const indexes = new Map<Graph, GraphIndex>();
    const changed = bypassAll(model.graph, (node, graph) => {
      if (!isOp(node, 'Dropout')) return false;
      const index = indexes.get(graph) ?? indexGraph(graph);
      indexes.set(graph, index);
      const reason = reasonToKeep(node, graph, index);
      if (reason !== undefined)
        declined.push(`Dropout ${JSON.stringify(node.name)} stays: ${reason}`);
      return reason === undefined;
    });
    return { changed, declined };
  },
};

function reasonToKeep(node: Node, graph: Graph, index: GraphIndex): string | undefined {
  const mask = node.outputs[1];
  if (mask && (index.consumers.has(mask) || index.outputs.has(mask))) return 'its mask is used';
  const training = node.inputs[2];
  if (!training) return undefined;
  const value = graph.initializers.get(training) ?? constantOf(index, training);
  if (value === undefined || !isNumeric(value.dtype))
    return 'its training mode is decided at run time';
  return toNumbers(value)[0] === 0 ? undefined : 'it is in training mode';
}

function constantOf({ producer }: GraphIndex, name: string) {
  const node = producer.get(name);
  const attribute = node && isOp(node, 'Constant') ? node.attributes.get('value') : undefined;
  return attribute?.kind === 'tensor' ? attribute.value : undefined;
}
