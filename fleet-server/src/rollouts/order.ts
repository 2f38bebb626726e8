import type { DeploymentOrder } from '../devices/deployments.ts';
import type { MemberRow, Rollout } from './store.ts';

/** What a device is told: the variant that it has its turn with. */
export function orderFor(
  rollout: Rollout,
  member: Pick<MemberRow, 'device' | 'precision' | 'digest' | 'target_path' | 'bytes' | 'reason'>,
): DeploymentOrder {
  const { fleet, id, slot, model, version, settings } = rollout;
  const { device, precision, digest, target_path, bytes, reason } = member;
  return {
    ...{ fleet, device, slot, model, version, precision, digest, bytes, reason },
    role: 'active',
    targetPath: target_path,
    rollout: id,
    watchMs: settings.watchMs,
  };
}
