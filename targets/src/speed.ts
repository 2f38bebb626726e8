import type { VariantFacts } from './facts.ts';

/** Where a latency comes from. Latencies of different kinds say nothing of each other. */
type Source = 'lab' | 'measured' | 'estimated';

function sourceOf(variant: VariantFacts): Source {
  if (ranInLab(variant)) return 'lab';
  return variant.estimated ? 'estimated' : 'measured';
}

/** Devices of its target have run it for their figures. */
export const ranInLab = ({ lab }: VariantFacts): boolean => lab !== undefined && lab.devices > 0;

export const latencyOf = (variant: VariantFacts): number | undefined =>
  ranInLab(variant) ? variant.lab?.latencyMs : variant.latencyMs;

export const isComparable = (a: VariantFacts, b: VariantFacts): boolean =>
  latencyOf(a) !== undefined && latencyOf(b) !== undefined && sourceOf(a) === sourceOf(b);

/** `9.12 ms measured`, `12.3 ms on 2 lab devices` */
export function speed(variant: VariantFacts): string {
  const devices = variant.lab?.devices ?? 0;
  const source = sourceOf(variant);
  const where = source === 'lab' ? `on ${devices} lab device${devices === 1 ? '' : 's'}` : source;
  return `${Number((latencyOf(variant) ?? 0).toPrecision(3))} ms ${where}`;
}
