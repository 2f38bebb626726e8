import { int, intAttribute, string } from '../../ir/attributes.ts';
import { int64Tensor } from '../../ir/tensor.ts';
import { type Adapter, setInput, take } from './adapter.ts';

/** Split-18 asks for the number of parts where it is not told their sizes. */
export const splitCount: Adapter = ({ node }) => {
  if (!node.inputs[1]) node.attributes.set('num_outputs', int(node.outputs.length));
  return undefined;
};

/** RoiAlign-16 moved the default of its coordinates by half a pixel. */
export const roiCoordinates: Adapter = ({ node }) => {
  if (!node.attributes.has('coordinate_transformation_mode')) {
    node.attributes.set('coordinate_transformation_mode', string('output_half_pixel'));
  }
  return undefined;
};

/** DFT-20 takes its axis as an input; DFT-17 counts the axis from 1 by default. */
export const dftAxis: Adapter = ({ node, add }) => {
  const axis = intAttribute(node, 'axis', 1);
  take(node, 'axis');
  setInput(node, 2, add('axis', int64Tensor([], [axis])));
  return undefined;
};

/** GroupNormalization-18 scales groups, GroupNormalization-21 channels. */
export const groupNormalization: Adapter = ({ refuse }) =>
  refuse('its scale and bias belong to groups, later ones to channels');
