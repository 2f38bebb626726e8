import type { Metered, Wanted, WantedDeployment } from '../state.ts';
import { samePair } from '../state.ts';

/** What holds for a download at this moment. */
export interface TransferPolicy {
  readonly metered: Metered;
  /** Bytes/s of this download alone; 0 is no cap. */
  readonly bandwidth: number;
}

/** From the mildest to the strictest. */
const METERED: readonly Metered[] = ['allow', 'delta-only', 'wait'];

/**
 * The policy of a deployment as the desired state has it now: it may change while the download is
 * under way. Of what the fleet and the deployment say the stricter holds.
 */
export function policyOf(wanted: Wanted, begun: WantedDeployment): TransferPolicy {
  const now = wanted.slots.find(({ name }) => name === begun.slot)?.active;
  const deployment = now !== undefined && samePair(now, begun) ? now : begun;
  return {
    metered: strictest(deployment.metered, wanted.download?.metered),
    bandwidth: deployment.bandwidth ?? 0,
  };
}

const strictest = (...said: readonly (Metered | undefined)[]): Metered =>
  METERED.findLast((policy) => said.includes(policy)) ?? 'allow';

/** The lowest of several caps in bytes/s, of which 0 is none. */
export const lowest = (...caps: readonly number[]): number => {
  const some = caps.filter((cap) => cap > 0);
  return some.length === 0 ? 0 : Math.min(...some);
};
