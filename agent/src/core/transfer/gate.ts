import { FlotillaError } from '@flotilla/protocol';
import type { Clock, Device, Network } from '../ports.ts';
import type { Metered } from '../state.ts';

/** What is to be fetched: a blob as it is, one too small for a delta, or a delta. */
export type Load = 'whole' | 'small' | 'delta';

export interface Gate {
  /** Resolves as soon as the link and the policy let it through. */
  pass(load: Load, signal: AbortSignal): Promise<void>;
  /** Whether a transfer under way may go on; the link is looked at now and then only. */
  isOpen(load: Load): Promise<boolean>;
}

export interface GateOptions {
  readonly device: Pick<Device, 'network'>;
  readonly clock: Clock;
  /** How often the link is looked at while something waits or is under way. */
  readonly lookMs: number;
  /** The policy at this moment. */
  policy(): Metered;
  /** Told why the transfer waits, and with undefined that it goes on. */
  waits(why: FlotillaError<'download.metered'> | undefined): void;
}

/** A new policy is heeded within this time; the link is looked at less often. */
const POLICY_LOOK_MS = 1000;

const LETS_THROUGH: Readonly<Record<Metered, readonly Load[]>> = {
  allow: ['whole', 'small', 'delta'],
  'delta-only': ['small', 'delta'],
  wait: [],
};

/** Holds transfers up while the link costs by the byte and the policy spares it. */
export function createGate({ device, clock, lookMs, policy, waits }: GateOptions): Gate {
  let link: Network | undefined;
  let lookedMs = 0;

  /** Why not, or undefined. A link is looked at only where a policy asks for it. */
  async function obstacle(load: Load) {
    const metered = policy();
    if (LETS_THROUGH[metered].includes(load)) return undefined;
    const nowMs = clock.monotonic();
    if (link === undefined || nowMs - lookedMs >= lookMs) {
      link = await device.network();
      lookedMs = nowMs;
    }
    if (!link.metered) return undefined;
    const { name, why } = link;
    return new FlotillaError('download.metered', { link: name, why, policy: metered });
  }

  return {
    async pass(load, signal) {
      let told = '';
      for (;;) {
        const why = await obstacle(load);
        signal.throwIfAborted();
        if (why === undefined) break;
        if (why.message !== told) waits(why);
        told = why.message;
        await clock.sleep(Math.min(lookMs, POLICY_LOOK_MS), signal);
      }
      if (told !== '') waits(undefined);
    },
    isOpen: async (load) => (await obstacle(load)) === undefined,
  };
}
