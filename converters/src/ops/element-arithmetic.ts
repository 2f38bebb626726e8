import { intAttribute } from '../ir/attributes.ts';
import { DATA_TYPES, type DataType } from '../ir/dtype.ts';
import type { Dim } from '../ir/graph.ts';
import { roundHalfEven } from '../round.ts';
import { axesOf, type Call, elementsOf, shapeOf } from './shapes/rule.ts';
import { add, floorDivide, lowerBound, multiply, subtract } from './symbolic.ts';

type Elements = readonly Dim[];
type Operation = (a: Dim, b: Dim, dtype: DataType) => Dim;
type ElementRule = (call: Call, dtype: DataType) => Elements | undefined;

/** A number as a type holds it; null where it does not fit, or the type is not followed. */
export function inType(dtype: DataType, value: Dim): Dim {
  if (value === null) return null;
  if (dtype === 'float64') return value;
  if (dtype === 'float32') return typeof value === 'number' ? Math.fround(value) : value;
  if (dtype === 'bool') return value === 0 || value === 1 ? value : null;
  if (!/^u?int(8|16|32|64)$/.test(dtype)) return null;
  if (typeof value === 'string') return /^int(32|64)$/.test(dtype) ? value : null;
  const bits = DATA_TYPES[dtype].bits - (dtype.startsWith('u') ? 0 : 1);
  const lowest = dtype.startsWith('u') ? 0 : -(2 ** bits);
  if (!Number.isInteger(value) || value < lowest) return null;
  // The largest int64, which stands for no end, is 2^63 as a number.
  return value < 2 ** bits || (bits >= 63 && value === 2 ** bits) ? value : null;
}

function elementwise(operation: Operation): ElementRule {
  return (call, dtype) => {
    const lists = call.inputs.map((_, i) => elementsOf(call, i));
    const known = lists.filter((list) => list !== undefined && list.length > 0) as Elements[];
    if (known.length !== lists.length || known.length === 0) return undefined;
    const length = Math.max(...known.map((list) => list.length));
    const type = call.inputs[0]?.dtype ?? dtype;
    return Array.from({ length }, (_, i) =>
      inType(
        dtype,
        known.map((list) => list[i % list.length] ?? null).reduce((a, b) => operation(a, b, type)),
      ),
    );
  };
}

function unary(operation: (value: number) => number): ElementRule {
  return (call, dtype) =>
    elementsOf(call, 0)?.map((element) =>
      typeof element === 'number' ? inType(dtype, operation(element)) : null,
    );
}

/** Rounding leaves a size as it is. */
function rounding(operation: (value: number) => number): ElementRule {
  return (call, dtype) =>
    elementsOf(call, 0)?.map((element) =>
      inType(dtype, typeof element === 'number' ? operation(element) : element),
    );
}

const divide: Operation = (a, b, dtype) => {
  if (b === 0) return null;
  const whole = !dtype.startsWith('float');
  if (typeof a === 'number' && typeof b === 'number') return whole ? Math.trunc(a / b) : a / b;
  const quotient = floorDivide(a, b);
  const exact = whole || !String(quotient).includes('floor(');
  return exact && (whole || multiply(quotient, b) === a) ? quotient : null;
};

const modulo: Operation = (a, b) => {
  if (typeof a !== 'number' || typeof b !== 'number' || a < 0 || b <= 0) return null;
  return a % b;
};

const larger: Operation = (a, b) => {
  if (typeof a === 'number' && typeof b === 'number') return Math.max(a, b);
  if (a === b || (typeof b === 'number' && lowerBound(a) >= b)) return a;
  return typeof a === 'number' && lowerBound(b) >= a ? b : null;
};

const smaller: Operation = (a, b) => {
  if (typeof a === 'number' && typeof b === 'number') return Math.min(a, b);
  if (a === b || (typeof b === 'number' && lowerBound(a) >= b)) return b;
  return typeof a === 'number' && lowerBound(b) >= a ? a : null;
};

/** 1, 0, or null where it cannot be told. */
const equal: Operation = (a, b) => {
  if (a === null || b === null) return null;
  if (a === b) return 1;
  const apart = less(a, b, 'int64') === 1 || less(b, a, 'int64') === 1;
  return typeof a === typeof b && typeof a === 'number' ? 0 : apart ? 0 : null;
};

const less: Operation = (a, b) => {
  if (typeof a === 'number' && typeof b === 'number') return a < b ? 1 : 0;
  const difference = subtract(b, a);
  if (typeof difference === 'number') return difference > 0 ? 1 : 0;
  if (lowerBound(difference) > 0) return 1;
  return lowerBound(subtract(a, b)) >= 0 ? 0 : null;
};

const lessOrEqual: Operation = (a, b, dtype) => not(less(b, a, dtype));

function not(value: Dim): Dim {
  return value === null || typeof value === 'string' ? null : 1 - value;
}

const and: Operation = (a, b) => (a === 0 || b === 0 ? 0 : a === 1 && b === 1 ? 1 : null);
const or: Operation = (a, b) => not(and(not(a), not(b), 'bool'));

/** A sum or extreme over a whole list. */
function reduce(operation: Operation): ElementRule {
  return (call, dtype) => {
    const elements = elementsOf(call, 0);
    const whole = shapeOf(call, 0)?.length === 1 && reducesAll(call);
    if (!elements || elements.length === 0 || !whole) return undefined;
    return [
      inType(
        dtype,
        elements.reduce((a, b) => operation(a, b, dtype)),
      ),
    ];
  };
}

function reducesAll(call: Call): boolean {
  const listed = call.node.attributes.has('axes') || (call.node.inputs[1] ?? '') !== '';
  if (listed) return axesOf(call, 1, 1)?.[0] === 0;
  return intAttribute(call.node, 'noop_with_empty_axes', 0) === 0;
}

/** Arithmetic on lists that shapes are made of, element by element. */
export const ARITHMETIC: Readonly<Record<string, ElementRule>> = {
  Abs: unary(Math.abs),
  Add: elementwise(add),
  And: elementwise(and),
  Ceil: rounding(Math.ceil),
  Div: elementwise(divide),
  Equal: elementwise(equal),
  Floor: rounding(Math.floor),
  Greater: elementwise((a, b, dtype) => less(b, a, dtype)),
  GreaterOrEqual: elementwise((a, b, dtype) => lessOrEqual(b, a, dtype)),
  Less: elementwise(less),
  LessOrEqual: elementwise(lessOrEqual),
  Max: elementwise(larger),
  Min: elementwise(smaller),
  Mod: elementwise(modulo),
  Mul: elementwise(multiply),
  Neg: (call, dtype) => elementsOf(call, 0)?.map((value) => inType(dtype, multiply(value, -1))),
  Not: unary((value) => 1 - value),
  Or: elementwise(or),
  ReduceMax: reduce(larger),
  ReduceMin: reduce(smaller),
  ReduceProd: reduce(multiply),
  ReduceSum: reduce(add),
  Round: rounding(roundHalfEven),
  Sqrt: unary(Math.sqrt),
  Sub: elementwise(subtract),
};
