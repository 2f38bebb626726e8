import { floatAttribute, floatsAttribute, string, stringAttribute } from '../../ir/attributes.ts';
import { float32Tensor, isNumeric, toNumbers } from '../../ir/tensor.ts';
import { type Adapter, setInput, type Upgrade } from './adapter.ts';

/** Upsample-1 scales height and width by attributes. */
export const upsampleFactors: Adapter = ({ node, add, refuse }) => {
  const height = floatAttribute(node, 'height_scale', undefined);
  const width = floatAttribute(node, 'width_scale', undefined);
  if (height === undefined || width === undefined) return refuse('it names no scales');
  node.attributes.delete('height_scale');
  node.attributes.delete('width_scale');
  setInput(node, 1, add('scales', float32Tensor([4], [1, 1, height, width])));
  return undefined;
};

/** Upsample-9 takes its scales as an input. */
export const upsampleScales: Adapter = ({ node, add }) => {
  const scales = floatsAttribute(node, 'scales', undefined);
  node.attributes.delete('scales');
  if (scales) setInput(node, 1, add('scales', float32Tensor([scales.length], scales)));
  return undefined;
};

/** Upsample ended with opset 10; Resize does its work. */
export const upsampleToResize: Adapter = (upgrade) => {
  upgrade.node.op = 'Resize';
  return resizeCoordinates(upgrade);
};

/**
 * Resize-10 (and Upsample) find a source pixel at index / scale. Nearest takes the pixel below when
 * it enlarges and the one above when it shrinks, as ONNX Runtime does for these definitions.
 */
export const resizeCoordinates: Adapter = (upgrade) => {
  const { node } = upgrade;
  const scales = node.inputs[1] ?? '';
  const mode = stringAttribute(node, 'mode', 'nearest');
  node.attributes.set('mode', string(mode === 'bilinear' ? 'linear' : mode));
  node.attributes.set('coordinate_transformation_mode', string('asymmetric'));
  if (mode === 'nearest') node.attributes.set('nearest_mode', string(nearestMode(upgrade)));
  node.inputs = [node.inputs[0]!, '', scales];
  return undefined;
};

function nearestMode(upgrade: Upgrade): 'floor' | 'ceil' {
  const scales = upgrade.constant(1);
  if (!scales || !isNumeric(scales.dtype)) return 'floor';
  const values = Array.from(toNumbers(scales));
  if (values.every((scale) => scale >= 1)) return 'floor';
  if (values.every((scale) => scale <= 1)) return 'ceil';
  return upgrade.refuse('it enlarges one side and shrinks another');
}

/** GridSample-20 renames its modes. */
export const gridSampleModes: Adapter = ({ node }) => {
  const mode = stringAttribute(node, 'mode', undefined);
  if (mode === 'bilinear') node.attributes.set('mode', string('linear'));
  if (mode === 'bicubic') node.attributes.set('mode', string('cubic'));
  return undefined;
};
