import { type Active, type Capabilities, type State, whyIncompatible } from '@flotilla/protocol';
import type { ServerContext } from '../context.ts';
import { limited } from './limits.ts';

type Parts = Pick<ServerContext, 'db' | 'now' | 'changes' | 'log'>;

/** What a database's integer holds is more than any release will speak. */
const MAX_MINOR = 1_000_000;
/** As above; a device that starts every second does not reach it in thirty years. */
const MAX_STARTS = 1_000_000_000;

/**
 * Takes in a birth, a death or a will. Brokers publish the will of an old connection after the
 * device is back, so what carries an older `connectSeq` than the one known is stale and ignored.
 *
 * @returns false where it was stale or the device is unknown
 */
export async function ingestState(
  { db, now, changes, log }: Parts,
  fleet: string,
  device: string,
  state: State,
): Promise<boolean> {
  const { connectSeq, online } = state;
  const reported = online ? reportedColumns(state) : {};
  const changed = await db
    .updateTable('devices')
    .set({ ...reported, online: online ? 1 : 0, connect_seq: connectSeq, last_seen_ms: now() })
    .where('fleet', '=', fleet)
    .where('device', '=', device)
    .where('status', '=', 'accepted')
    .where('connect_seq', '<=', connectSeq)
    .returning('target_fixed')
    .executeTakeFirst();
  if (changed === undefined) return false;
  const obstacle = online ? whyIncompatible(state.protocolMinor) : undefined;
  if (obstacle !== undefined) log.warn({ fleet, device, reason: obstacle }, 'device incompatible');
  const target = state.capabilities?.target ?? '';
  if (online && changed.target_fixed === 0 && target !== '') {
    await db
      .updateTable('devices')
      .set({ target: target.slice(0, 63) })
      .where('fleet', '=', fleet)
      .where('device', '=', device)
      .where('target_fixed', '=', 0)
      .execute();
  }
  changes.emit({ topic: 'device', fleet, id: device, data: { online } });
  return true;
}

function reportedColumns({ capabilities, active, agentVersion, protocolMinor, ...more }: State) {
  return {
    protocol_minor: Math.min(protocolMinor, MAX_MINOR),
    agent_version: agentVersion.slice(0, 64),
    active: storedActive(active),
    time_zone: knownZone(more.timeZone),
    unclean_starts: Math.min(more.uncleanStarts, MAX_STARTS),
    ...(capabilities == null ? {} : { capabilities: storedCapabilities(capabilities) }),
  };
}

/** Empty where this server's calendar does not know it: maintenance windows then go by UTC. */
function knownZone(zone: string): string {
  if (zone === '' || zone.length > 64) return '';
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return zone;
  } catch {
    return '';
  }
}

export const storedActive = (active: readonly Active[]): string =>
  JSON.stringify(limited(active.slice(0, 64)));

const storedCapabilities = (capabilities: Capabilities): string =>
  JSON.stringify(limited(capabilities));

/** Nobody is connected to a broker that has just started: devices say when they are back. */
export async function forgetPresence({ db }: Pick<Parts, 'db'>): Promise<void> {
  await db.updateTable('devices').set({ online: 0 }).where('online', '=', 1).execute();
}
