import { int } from '../../ir/attributes.ts';
import { makeNode, type Node } from '../../ir/graph.ts';
import { int64Tensor } from '../../ir/tensor.ts';
import { type Adapter, take } from './adapter.ts';

/**
 * Scan-8 scans each of a batch, whose axis comes first; Scan-9 knows no batches. For a batch of one
 * the axis is taken off before and put back behind.
 */
export const batchedScan: Adapter = (upgrade) => {
  const { node, shape, add, fresh, refuse } = upgrade;
  const [lengths = '', ...values] = node.inputs;
  if (lengths !== '') return refuse('its sequences have lengths of their own, as only opset 8 had');
  if (!values.every((_, i) => shape(i + 1)?.[0] === 1)) {
    return refuse('it scans batches of more than one, as only opset 8 had it');
  }
  const zero = add('first', int64Tensor([], [0]));
  const before = values.map((value) =>
    makeNode('Gather', fresh('take'), [value, zero], [fresh('taken')], [['axis', int(0)]]),
  );
  const results = node.outputs.map((name) => (name === '' ? '' : fresh('result')));
  const one = add('batch', int64Tensor([1], [1]));
  const after = node.outputs.flatMap((output, i) =>
    output === '' ? [] : withBatch(results[i]!, output, one, fresh),
  );
  const directions = take(node, 'directions');
  if (directions !== undefined) node.attributes.set('scan_input_directions', directions);
  node.inputs = before.map((each) => each.outputs[0]!);
  node.outputs = results;
  return [...before, node, ...after];
};

/** Puts an axis of size 1 first, whatever the others are. */
function withBatch(
  value: string,
  output: string,
  one: string,
  fresh: (suffix: string) => string,
): Node[] {
  const [sizes, all] = [fresh('sizes'), fresh('all_sizes')];
  return [
    makeNode('Shape', fresh('shape'), [value], [sizes]),
    makeNode('Concat', fresh('concat'), [one, sizes], [all], [['axis', int(0)]]),
    makeNode('Reshape', fresh('restore'), [value, all], [output]),
  ];
}
