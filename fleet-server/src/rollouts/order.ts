import type { DeploymentOrder } from '../devices/deployments.ts';
import { hoursOf } from './pace/windows.ts';
import type { MemberRow, Rollout } from './store.ts';

type Told = Pick<
  MemberRow,
  'device' | 'precision' | 'digest' | 'target_path' | 'bytes' | 'reason' | 'time_zone'
>;

/** When the device's maintenance window closes; 0 where it has none. */
export const closingMs = (
  { settings: { maintenance } }: Pick<Rollout, 'settings'>,
  { time_zone }: Pick<MemberRow, 'time_zone'>,
  now: number,
): number => (maintenance.length === 0 ? 0 : hoursOf(maintenance, time_zone).closingMs(now));

const SHADOW = { role: 'shadow', purpose: 'compare' } as const;

/** What a device is told: the variant that it has its turn with. */
export function orderFor(rollout: Rollout, member: Told, now: number): DeploymentOrder {
  const { fleet, id, slot, model, version, settings } = rollout;
  const { device, precision, digest, target_path, bytes, reason } = member;
  return {
    ...{ fleet, device, slot, model, version, precision, digest, bytes, reason },
    ...(rollout.kind === 'shadow' ? SHADOW : { role: 'active' }),
    targetPath: target_path,
    rollout: id,
    notAfterMs: closingMs(rollout, member, now),
    watchMs: settings.watchMs,
  };
}
