import { isOp, makeNode, type Node } from '../ir/graph.ts';
import { fromNumbers } from '../ir/tensor.ts';
import type { GraphEditor } from './editor.ts';
import { rewritePass } from './rewrite.ts';
import { perChannel } from './weighted.ts';

/**
 * Makes a Gemm of a product of two matrices and the bias added to it, so that int8 adds the bias
 * within its accumulators. More dimensions stay MatMul, which would need reshapes around it.
 */
export const matMulToGemm = rewritePass('matmul-to-gemm', ['Add'], (add, editor) => {
  const side = add.inputs.findIndex((name) => isOp(editor.producer(name) ?? add, 'MatMul'));
  const [value = '', constant = ''] = [add.inputs[side], add.inputs[1 - side]];
  const product = editor.producer(value);
  if (side < 0 || product === undefined || !editor.constant(constant)) return undefined;
  const weight = editor.constant(product.inputs[1]);
  const rank = editor.shape(product.inputs[0])?.length;
  if (weight?.dims.length !== 2 || rank === undefined || rank !== 2) return undefined;
  const reason =
    editor.seenElsewhere(value) ?? fuse(add, product, constant, weight.dims[1]!, editor);
  if (reason === undefined) return { did: `is a Gemm with MatMul ${JSON.stringify(product.name)}` };
  return { declined: `is no Gemm with MatMul ${JSON.stringify(product.name)}: ${reason}` };
});

function fuse(
  add: Node,
  product: Node,
  constant: string,
  channels: number,
  editor: GraphEditor,
): string | undefined {
  const tensor = editor.constant(constant);
  const type = editor.constant(product.inputs[1])?.dtype;
  const bias = tensor && tensor.dims.length <= 2 && perChannel(tensor, channels, -1);
  if (!bias || tensor.dtype !== type) return 'its constant is not one number for each channel';
  const name = editor.addConstant(`${constant}_bias`, fromNumbers(tensor.dtype, [channels], bias));
  editor.remove(add);
  editor.remove(product);
  editor.add(makeNode('Gemm', product.name, [...product.inputs, name], add.outputs));
  return undefined;
}
