import { createHash } from 'node:crypto';
import { FlotillaError } from '@flotilla/protocol';

/**
 * Which of an A/B rollout's devices get the version: those first in the order of a hash of rollout
 * and device, so that another rollout splits the same devices anew. Both arms hold at least one.
 *
 * @throws FlotillaError `rollout.invalid` where there is but one device
 */
export function candidateArm(
  rollout: string,
  devices: readonly string[],
  sharePercent: number,
): ReadonlySet<string> {
  if (devices.length < 2) {
    const reason = 'an A/B rollout compares devices with each other, and only one can take part';
    throw new FlotillaError('rollout.invalid', { reason, field: 'devices' });
  }
  const hash = (device: string) =>
    createHash('sha256').update(`arm ${rollout} ${device}`).digest('hex');
  const order = devices
    .map((device) => ({ device, hash: hash(device) }))
    .sort((a, b) => (a.hash < b.hash ? -1 : 1));
  const share = Math.round((devices.length * sharePercent) / 100);
  const size = Math.min(devices.length - 1, Math.max(1, share));
  return new Set(order.slice(0, size).map(({ device }) => device));
}
