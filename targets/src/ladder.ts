import type { Precision } from '@flotilla/protocol';
import type { VariantFacts } from './facts.ts';
import { isTargetId, TARGETS } from './targets.ts';

/** Bits in which a precision computes, for the order only: `mixed` is between int8 and fp16. */
const WIDTH: Readonly<Record<Precision, number>> = {
  int4: 4,
  'int8-dynamic': 8,
  int8: 8,
  mixed: 12,
  fp16: 16,
  fp32: 32,
};

/**
 * What is tried where a chosen variant fails on a device: the next wider precision and on to the
 * widest, which more hardware runs as intended, then the narrower ones down.
 */
export function fallBackOrder<V extends VariantFacts>(chosen: V, candidates: readonly V[]): V[] {
  const step = (variant: V) => WIDTH[variant.precision] - WIDTH[chosen.precision];
  const others = candidates.filter((variant) => variant !== chosen);
  const wider = others.filter((variant) => step(variant) >= 0);
  const narrower = others.filter((variant) => step(variant) < 0);
  return [
    ...wider.sort((a, b) => step(a) - step(b) || byPreference(a, b)),
    ...narrower.sort((a, b) => step(b) - step(a) || byPreference(a, b)),
  ];
}

/** Order of the target's precisions, then accuracy, memory, and digest to be the same every time. */
export function byPreference(a: VariantFacts, b: VariantFacts): number {
  const rank = (variant: VariantFacts) =>
    isTargetId(variant.target) ? TARGETS[variant.target].precisions.indexOf(variant.precision) : 0;
  return (
    rank(a) - rank(b) ||
    b.accuracy - a.accuracy ||
    a.memoryBytes - b.memoryBytes ||
    (a.digest < b.digest ? -1 : 1)
  );
}
