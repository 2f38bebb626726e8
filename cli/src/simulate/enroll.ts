import { FlotillaError } from '@flotilla/protocol';
import { capabilitiesOf } from './capabilities.ts';
import { newKey, publicFields, type SimulatedIdentity } from './identity.ts';
import type { DeviceState, Profile } from './state.ts';

/** Requests under way at once. */
const TOGETHER = 16;

export interface EnrollOrder {
  /** Base address of the fleet server. */
  readonly server: string;
  /** Secret of a claim token. */
  readonly claim: string;
  readonly devices: readonly { readonly index: number; readonly profile: Profile }[];
  readonly signal: AbortSignal;
  enrolled(state: DeviceState): void;
}

/**
 * Takes new devices into the fleet of the claim token, each with a key of its own.
 *
 * @throws FlotillaError `agent.enroll-refused`, `agent.unreachable`
 */
export async function enrollDevices(order: EnrollOrder): Promise<void> {
  const waiting = [...order.devices];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (order.signal.aborted) return;
      const identity = await enroll(order, next.profile).catch((error: unknown) => {
        waiting.length = 0;
        throw error;
      });
      order.enrolled({
        ...next,
        identity,
        connectSeq: 0,
        uncleanStarts: 0,
        outbox: '',
        nextSeq: 1,
        generation: 0,
        revision: 0,
        active: {},
        shadows: {},
        ended: [],
      });
    }
  };
  // what the server took in is told of, also where another was refused
  const ended = await Promise.allSettled(Array.from({ length: TOGETHER }, work));
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
}

async function enroll(
  { server, claim }: EnrollOrder,
  { name, tags, target }: Profile,
): Promise<SimulatedIdentity> {
  const key = newKey();
  const response = await fetch(`${server}/api/1/enroll`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      token: claim,
      publicKey: publicFields(key),
      name,
      tags,
      capabilities: capabilitiesOf(target),
    }),
  }).catch((cause: Error) => {
    throw new FlotillaError('agent.unreachable', { url: server, reason: cause.message }, { cause });
  });
  const answer = (await response.json()) as Omit<SimulatedIdentity, 'key'> & { detail?: string };
  if (!response.ok) {
    const reason = answer.detail ?? `HTTP ${response.status}`;
    throw new FlotillaError('agent.enroll-refused', { server, reason });
  }
  const { fleet, device, api, mqtt } = answer;
  return { fleet, device, api: api.replace(/\/+$/, ''), mqtt, key };
}
