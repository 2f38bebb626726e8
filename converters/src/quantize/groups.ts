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
  readonly members: string[];
  readonly range: Range;
  readonly bounds: Bounds;
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
  return new Map([...groups].map(([name, group]) => [name, paramsOf(group, context)]));
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
    groups.set(name, { members: [name], range: within(range, limits), bounds: limits });
  }
  return groups;
}

/** Ranges that are rounded outwards, as a histogram's, may exceed what a Clip lets through. */
function within({ min, max }: Range, { low, high }: Bounds): Range {
  return { min: clamp(min, low, high), max: clamp(max, low, high) };
}

function mayJoin(groups: ReadonlyMap<string, Group>, a: string, b: string): boolean {
  const [first, second] = [groups.get(a), groups.get(b)];
  if (first === undefined || second === undefined) return false;
  const { min, max } = unite(first.range, second.range);
  const { low, high } = intersect(first.bounds, second.bounds);
  return min >= low && max <= high;
}

function join(groups: Map<string, Group>, a: string, b: string): void {
  const [first, second] = [groups.get(a), groups.get(b)];
  if (first === undefined || second === undefined || first === second) return;
  const bounds = intersect(first.bounds, second.bounds);
  const range = within(unite(first.range, second.range), bounds);
  const joined: Group = { members: [...first.members, ...second.members], range, bounds };
  for (const name of joined.members) groups.set(name, joined);
}

function intersect(a: Bounds, b: Bounds): Bounds {
  return { low: Math.max(a.low, b.low), high: Math.min(a.high, b.high) };
}

function paramsOf({ range, bounds }: Group, { form }: PlanContext): QuantizationParams {
  const params = activationParams(range, form.activation, form.symmetricActivations);
  const bounded = Number.isFinite(bounds.high) && range.max <= bounds.high;
  return bounded && range.max > 0 ? scaleWithin(params, bounds.high) : params;
}
