import type { DeviceFacts, VariantFacts } from './facts.ts';
import { byPreference, fallBackOrder } from './ladder.ts';
import { findObstacle, saturates } from './obstacles.ts';
import { isComparable, latencyOf, ranInLab, speed } from './speed.ts';
import { isTargetId, TARGETS } from './targets.ts';

export interface Choice<V extends VariantFacts = VariantFacts> {
  readonly chosen?: V;
  /** The choice, then what is tried in this order where it fails. */
  readonly ladder: readonly V[];
  /** One sentence for a person. */
  readonly reason: string;
  readonly rejected: readonly { readonly variant: V; readonly reason: string }[];
}

/**
 * Chooses the variant that a device gets, and says why in words. Variants for the device's own
 * target only; where the target is not known, variants that run on every device of its
 * architecture. Among those that fit, the one that lab devices ran fastest, else the one measured
 * fastest, else the target's preference.
 */
export function chooseVariant<V extends VariantFacts>(
  device: DeviceFacts,
  variants: readonly V[],
): Choice<V> {
  const judged = variants.map((variant) => ({ variant, reason: findObstacle(device, variant) }));
  const obstructed = judged.flatMap(({ variant, reason }) =>
    reason === undefined ? [] : [{ variant, reason }],
  );
  const fitting = variants.filter((_, i) => judged[i]?.reason === undefined);
  const sound = fitting.filter((variant) => !saturates(device, variant));
  const candidates = (sound.length > 0 ? sound : fitting).toSorted(byPreference);
  const [preferred] = candidates;
  if (preferred === undefined) {
    return { ladder: [], reason: whyNone(device, variants), rejected: obstructed };
  }
  const chosen = fastest(preferred, candidates);
  const losers = fitting.filter((variant) => variant !== chosen);
  const outrun = losers.map((variant) => ({ variant, reason: whyNot(variant, chosen, device) }));
  return {
    chosen,
    ladder: [chosen, ...fallBackOrder(chosen, candidates)],
    reason: why(chosen, preferred, device, losers),
    rejected: [...obstructed, ...outrun],
  };
}

/** The preferred variant, or one with a lower latency where both latencies are of one kind. */
function fastest<V extends VariantFacts>(preferred: V, rivals: readonly V[]): V {
  const proven = rivals.filter(ranInLab);
  const comparable =
    proven.length > 0 ? proven : rivals.filter((rival) => isComparable(rival, preferred));
  const latency = (variant: V) => latencyOf(variant) ?? Number.POSITIVE_INFINITY;
  const [first = preferred] = comparable.toSorted(
    (a, b) => latency(a) - latency(b) || byPreference(a, b),
  );
  return first;
}

function whyNone(device: DeviceFacts, variants: readonly VariantFacts[]): string {
  const { length } = variants;
  const { target } = device;
  if (length === 0) return 'There are no variants to choose from.';
  if (isTargetId(target) && !variants.some((variant) => variant.target === target)) {
    return `No ${target} variant was built, and ${describe(device)} runs no other: push a version that is built for ${target} too.`;
  }
  return `None of the ${length} variants fits ${describe(device)}.`;
}

function why(
  chosen: VariantFacts,
  preferred: VariantFacts,
  device: DeviceFacts,
  losers: readonly VariantFacts[],
): string {
  const subject = `${chosen.precision} for ${chosen.target} was chosen for ${describe(device)}`;
  if (losers.length === 0) return `${subject}: it is the only variant that fits.`;
  if (ranInLab(chosen)) {
    const rivals = losers.filter(ranInLab).map((loser) => `${loser.precision} ${speed(loser)}`);
    return `${subject}: it is the fastest within the accuracy budget (${[speed(chosen), ...rivals].join(', ')}).`;
  }
  if (chosen !== preferred) return `${subject}: it is the fastest that fits (${speed(chosen)}).`;
  const measured = chosen.latencyMs === undefined ? '' : `, ${speed(chosen)}`;
  return `${subject}: it is the precision that this target prefers${measured}.`;
}

function whyNot(variant: VariantFacts, chosen: VariantFacts, device: DeviceFacts): string {
  const subject = `${variant.precision} for ${variant.target}`;
  if (saturates(device, variant) && !saturates(device, chosen)) {
    return `${subject} may saturate: this processor has no VNNI instructions.`;
  }
  const slower =
    isComparable(variant, chosen) && Number(latencyOf(variant)) > Number(latencyOf(chosen));
  if (slower) {
    return `${subject} is slower: ${speed(variant)} against ${speed(chosen)} of ${chosen.precision}.`;
  }
  if (ranInLab(chosen) && !ranInLab(variant)) {
    return `${subject} was measured by no lab device, unlike ${chosen.precision}.`;
  }
  if (variant.precision === chosen.precision) {
    return `${subject} is no better than another variant of the same precision.`;
  }
  return `${subject} comes after ${chosen.precision} in what this target prefers.`;
}

function describe({ target, arch }: DeviceFacts): string {
  if (isTargetId(target)) return `this ${TARGETS[target].name}`;
  return `this device of unknown target${arch ? ` (${arch})` : ''}`;
}
