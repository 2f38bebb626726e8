import { isOp, type Node } from '../ir/graph.ts';
import { absorbedBounds, type Bounds, settledOutput, UNBOUNDED } from './flow.ts';
import { ruleOf } from './op-rules.ts';
import {
  activationParams,
  clamp,
  type QuantizationParams,
  type Range,
  scaleWithin,
  unite,
} from './params.ts';
import type { PlanContext, Takers } from './plan-context.ts';

/** Values that share one scale and zero point. */
interface Group {
  readonly range: Range;
  readonly bounds: Bounds;
  /** The group that this one has become part of. */
  whole?: Group;
}

/**
 * Scale and zero point of each quantized value. What an operator passes through keeps those of its
 * input; branches that only a Concat takes use the Concat's, which saves a second rounding.
 */
export function groupParams(
  takers: Takers,
  integer: ReadonlySet<Node>,
  context: PlanContext,
): Map<string, QuantizationParams> {
  const groups = singleGroups(takers, integer, context);
  for (const node of integer) {
    const passes = ruleOf(node)?.kind === 'passes';
    for (const output of passes ? node.outputs : []) join(groups, node.inputs[0] ?? '', output);
  }
  for (const node of integer) {
    const [output = ''] = isOp(node, 'Concat') ? node.outputs : [];
    for (const input of isOp(node, 'Concat') ? node.inputs : []) {
      const sole = context.index.consumers.get(input)?.length === 1;
      if (sole && !context.index.outputs.has(input) && mayJoin(groups, input, output)) {
        join(groups, input, output);
      }
    }
  }
  return new Map([...groups].map(([name, group]) => [name, paramsOf(wholeOf(group), context)]));
}

function singleGroups(
  takers: Takers,
  integer: ReadonlySet<Node>,
  context: PlanContext,
): Map<string, Group> {
  const bounds = new Map<string, Bounds>();
  for (const node of integer) {
    if (ruleOf(node)?.kind === 'passes') continue;
    for (const output of node.outputs) {
      const settled = settledOutput(output, context);
      bounds.set(settled, absorbedBounds(output, settled, context));
    }
  }
  const groups = new Map<string, Group>();
  for (const name of takers.keys()) {
    const range = context.ranges.get(name);
    if (range === undefined) continue;
    const limits = bounds.get(name) ?? UNBOUNDED;
    groups.set(name, { range: within(range, limits), bounds: limits });
  }
  return groups;
}

/** Ranges that are rounded outwards, as a histogram's, may exceed what a Clip lets through. */
function within({ min, max }: Range, { low, high }: Bounds): Range {
  return { min: clamp(min, low, high), max: clamp(max, low, high) };
}

/** The group that a group ended up in; the way there is short from then on. */
function wholeOf(group: Group): Group {
  let root = group;
  while (root.whole !== undefined) root = root.whole;
  for (let part = group; part.whole !== undefined; ) {
    const next = part.whole;
    if (next !== root) part.whole = root;
    part = next;
  }
  return root;
}

function groupOf(groups: ReadonlyMap<string, Group>, value: string): Group | undefined {
  const group = groups.get(value);
  return group && wholeOf(group);
}

function mayJoin(groups: ReadonlyMap<string, Group>, a: string, b: string): boolean {
  const [first, second] = [groupOf(groups, a), groupOf(groups, b)];
  if (first === undefined || second === undefined) return false;
  const { min, max } = unite(first.range, second.range);
  const { low, high } = intersect(first.bounds, second.bounds);
  return min >= low && max <= high;
}

function join(groups: ReadonlyMap<string, Group>, a: string, b: string): void {
  const [first, second] = [groupOf(groups, a), groupOf(groups, b)];
  if (first === undefined || second === undefined || first === second) return;
  const bounds = intersect(first.bounds, second.bounds);
  const range = within(unite(first.range, second.range), bounds);
  const whole: Group = { range, bounds };
  first.whole = whole;
  second.whole = whole;
}

function intersect(a: Bounds, b: Bounds): Bounds {
  return { low: Math.max(a.low, b.low), high: Math.min(a.high, b.high) };
}

function paramsOf({ range, bounds }: Group, { form }: PlanContext): QuantizationParams {
  const params = activationParams(range, form.activation, form.symmetricActivations);
  const bounded = Number.isFinite(bounds.high) && range.max <= bounds.high;
  return bounded && range.max > 0 ? scaleWithin(params, bounds.high) : params;
}
