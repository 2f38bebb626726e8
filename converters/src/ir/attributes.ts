import type { Attribute, Node } from './graph.ts';
import type { TensorValue } from './tensor.ts';

const UTF8 = new TextDecoder();

/** Value of an integer attribute as a number (|value| < 2^53), or `fallback` where it is absent. */
export function intAttribute<T>(node: Node, name: string, fallback: T): number | T {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'int' ? Number(attribute.value) : fallback;
}

export function intsAttribute<T>(node: Node, name: string, fallback: T): number[] | T {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'ints' ? attribute.value.map(Number) : fallback;
}

export function floatAttribute<T>(node: Node, name: string, fallback: T): number | T {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'float' ? attribute.value : fallback;
}

export function floatsAttribute<T>(node: Node, name: string, fallback: T): number[] | T {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'floats' ? [...attribute.value] : fallback;
}

export function stringAttribute<T>(node: Node, name: string, fallback: T): string | T {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'string' ? UTF8.decode(attribute.value) : fallback;
}

export function tensorAttribute(node: Node, name: string): TensorValue | undefined {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'tensor' ? attribute.value : undefined;
}

export function int(value: number | bigint): Attribute {
  return { kind: 'int', value: BigInt(value) };
}

export function ints(values: Iterable<number | bigint>): Attribute {
  return { kind: 'ints', value: Array.from(values, BigInt) };
}

/** ONNX keeps float attributes in single precision: the value is rounded to it here, not in the file. */
export function float(value: number): Attribute {
  return { kind: 'float', value: Math.fround(value) };
}

export function floats(values: Iterable<number>): Attribute {
  return { kind: 'floats', value: Array.from(values, Math.fround) };
}

export function string(value: string): Attribute {
  return { kind: 'string', value: new TextEncoder().encode(value) };
}

export function tensor(value: TensorValue): Attribute {
  return { kind: 'tensor', value };
}
