import { int, intAttribute } from '../../ir/attributes.ts';
import { makeNode } from '../../ir/graph.ts';
import type { Adapter } from './adapter.ts';

/**
 * Before opset 13 Softmax, LogSoftmax and Hardmax work on the input taken as a matrix, split at
 * `axis` (default 1), so they cover all dimensions from there on; afterwards one axis alone. Where
 * the dimensions after `axis` all have size 1, or there are none, both are the same; elsewhere the
 * matrix is made, and undone.
 */
export const flattenedSoftmax: Adapter = ({ node, shape, fresh }) => {
  const given = intAttribute(node, 'axis', 1);
  const dims = shape(0);
  const axis = given < 0 && dims ? given + dims.length : given;
  if (dims?.slice(axis + 1).every((dim) => dim === 1) && axis < dims.length) {
    node.attributes.set('axis', int(axis));
    return undefined;
  }
  const [input, output] = [node.inputs[0]!, node.outputs[0]!];
  const [sizes, matrix, result] = [fresh('shape'), fresh('matrix'), fresh('result')];
  node.attributes.set('axis', int(-1));
  node.inputs = [matrix];
  node.outputs = [result];
  return [
    makeNode('Shape', fresh('take_shape'), [input], [sizes]),
    makeNode('Flatten', fresh('flatten'), [input], [matrix], [['axis', int(axis)]]),
    node,
    makeNode('Reshape', fresh('restore'), [result, sizes], [output]),
  ];
};
