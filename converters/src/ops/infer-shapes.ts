import { CONTRIB } from './shapes/contrib.ts';
import { ELEMENTWISE } from './shapes/elementwise.ts';
import { INDEXING } from './shapes/indexing.ts';
import { LAYOUT } from './shapes/layout.ts';
import { PRODUCTS } from './shapes/products.ts';
import { RESIZE } from './shapes/resize.ts';
import { type Call, type Family, MAX_RANK, type Shape, type ShapesRule } from './shapes/rule.ts';
import { SIGNALS } from './shapes/signals.ts';
import { WINDOWS } from './shapes/windows.ts';
import { asSize } from './symbolic.ts';

const STANDARD = rulesOf([ELEMENTWISE, WINDOWS, LAYOUT, RESIZE, INDEXING, PRODUCTS, SIGNALS]);

/** com.microsoft also has forms of its own of standard operators, and fused ones that keep the shape rule. */
const MICROSOFT: ReadonlyMap<string, ShapesRule> = new Map([
  ...rulesOf([CONTRIB]),
  ...['Conv', 'Gemm'].map((op) => [`Fused${op}`, STANDARD.get(op)!] as const),
]);

const RULES: Readonly<Record<string, ReadonlyMap<string, ShapesRule>>> = {
  '': STANDARD,
  'com.microsoft': MICROSOFT,
};

function rulesOf(families: readonly Family[]): Map<string, ShapesRule> {
  const rules = new Map<string, ShapesRule>();
  for (const { single = [], several = [] } of families) {
    for (const [rule, ops] of several) for (const op of ops.split(/\s+/)) rules.set(op, rule);
    for (const [rule, ops] of single) {
      for (const op of ops.split(/\s+/)) rules.set(op, (call) => [rule(call)]);
    }
  }
  return rules;
}

/** The shapes of a node's outputs, in order, as far as the operator's rule gives them. */
export function inferShapes(call: Call): readonly (Shape | undefined)[] {
  const rules = Object.hasOwn(RULES, call.node.domain) ? RULES[call.node.domain] : undefined;
  const shapes = rules?.get(call.node.op)?.(call) ?? [];
  return shapes.map((shape) => (shape && shape.length <= MAX_RANK ? shape.map(asSize) : undefined));
}

/** True where the table has a rule for the operator. */
export function hasShapeRule(op: string, domain = ''): boolean {
  return Object.hasOwn(RULES, domain) && RULES[domain]!.has(op);
}
