import { toHalves } from './half.ts';
import { ELEMENT_TYPES, type ElementType, type Tensor } from './tensor.ts';

/** Element types that prepared numbers may be fed as. */
export type NumberElement = Exclude<ElementType, 'INT64' | 'UINT64' | 'BOOL'>;

const INTEGER_LIMITS = {
  INT8: [-128, 127],
  UINT8: [0, 255],
  INT16: [-32768, 32767],
  UINT16: [0, 65535],
  INT32: [-2147483648, 2147483647],
  UINT32: [0, 4294967295],
} as const;

export function isNumberElement(type: ElementType): type is NumberElement {
  return type !== 'INT64' && type !== 'UINT64' && type !== 'BOOL';
}

/** Numbers as elements of a type: halves as bits, integers rounded half to even and clamped. */
export function elementsOf(values: Float64Array, type: NumberElement): ArrayLike<number> {
  if (type === 'FP32' || type === 'FP64') return values;
  if (type === 'FP16') return toHalves(values);
  const [low, high] = INTEGER_LIMITS[type];
  return values.map((value) => Math.min(high, Math.max(low, roundHalfEven(value))));
}

/** As `elementsOf`, as a tensor. */
export function roundedTensor(
  values: Float64Array,
  shape: readonly number[],
  type: NumberElement,
): Tensor {
  return { type, shape, data: ELEMENT_TYPES[type].from(elementsOf(values, type)) };
}

/** ONNX QuantizeLinear rounds half to even; `Math.round` does not. */
function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
