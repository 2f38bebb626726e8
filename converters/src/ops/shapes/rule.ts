import { intAttribute, intsAttribute } from '../../ir/attributes.ts';
import type { Dim, Node } from '../../ir/graph.ts';
import type { ValueFacts } from '../value-facts.ts';

export type Shape = readonly Dim[];

/** A node and what is known of its inputs; an input that is left out, or not known, is `{}`. */
export interface Call {
  readonly node: Node;
  readonly inputs: readonly ValueFacts[];
}

/** The shape of an operator's only output; undefined where not even the rank can be told. */
export type ShapeRule = (call: Call) => Shape | undefined;
/** The same for each of several outputs, in order. */
export type ShapesRule = (call: Call) => readonly (Shape | undefined)[];

/** Rules of one family, each with the operators that it is for, separated by blanks. */
export interface Family {
  readonly single?: readonly (readonly [ShapeRule, string])[];
  readonly several?: readonly (readonly [ShapesRule, string])[];
}

/** The shape of an input, or undefined where it is left out or not even its rank is known. */
export function shapeOf({ inputs }: Call, input: number): Shape | undefined {
  return inputs[input]?.shape;
}

export function isGiven({ node }: Call, input: number): boolean {
  return (node.inputs[input] ?? '') !== '';
}

/** The elements of a small input, where they are known before the model runs. */
export function elementsOf({ inputs }: Call, input: number): readonly Dim[] | undefined {
  return inputs[input]?.elements;
}

/** The same where all of them are numbers. */
export function numbersOf(call: Call, input: number): number[] | undefined {
  const elements = elementsOf(call, input);
  const numbers = elements?.filter((element) => typeof element === 'number');
  return numbers?.length === elements?.length ? numbers : undefined;
}

/** No operator needs more dimensions; a damaged model may ask for as many as there are numbers. */
export const MAX_RANK = 64;

/** Number of elements of a list of dimensions that is an input, also where they are not known. */
export function lengthOf(call: Call, input: number): number | undefined {
  const [given] = shapeOf(call, input) ?? [];
  const length = elementsOf(call, input)?.length ?? given;
  return typeof length === 'number' && length <= MAX_RANK ? length : undefined;
}

/** An integer attribute or, in newer definitions, the input that took its place. */
export function intOrInput(call: Call, attribute: string, input: number): number | undefined {
  return intAttribute(call.node, attribute, undefined) ?? numbersOf(call, input)?.[0];
}

/** A list attribute or, in newer definitions, the input that took its place. */
export function intsOrInput(call: Call, attribute: string, input: number): Shape | undefined {
  return intsAttribute(call.node, attribute, undefined) ?? elementsOf(call, input);
}

/** Axes counted from the front; undefined where they are not known or do not fit the rank. */
export function axesOf(call: Call, input: number, rank: number): number[] | undefined {
  const given = intsAttribute(call.node, 'axes', undefined) ?? numbersOf(call, input);
  const axes = given?.map((axis) => front(axis, rank));
  return axes?.every((axis) => axis >= 0 && axis < rank) ? axes : undefined;
}

export function front(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** An axis attribute counted from the front, or undefined where it lies outside. */
export function axisOf(node: Node, fallback: number, rank: number): number | undefined {
  const axis = front(intAttribute(node, 'axis', fallback), rank);
  return axis >= 0 && axis < rank ? axis : undefined;
}

export function unknown(rank: number): Shape {
  return Array.from({ length: rank }, () => null);
}

export const SAME: ShapeRule = (call) => shapeOf(call, 0);

/** What several shapes broadcast to (ONNX Broadcasting.md). */
export function broadcastShapes(shapes: readonly (Shape | undefined)[]): Shape | undefined {
  const known = shapes.filter((shape) => shape !== undefined);
  if (known.length !== shapes.length) return undefined;
  const rank = Math.max(0, ...known.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) =>
    known
      .map((shape) => (axis < rank - shape.length ? 1 : shape.at(axis - rank)!))
      .reduce<Dim>(meet, 1),
  );
}

/** One broadcast dimension out of two. */
export function meet(a: Dim, b: Dim): Dim {
  if (a === 1 || a === b) return b;
  if (b === 1) return a;
  if (typeof a === 'number') return a;
  return typeof b === 'number' ? b : null;
}
