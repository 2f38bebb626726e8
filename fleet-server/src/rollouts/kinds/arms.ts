import { createHash } from 'node:crypto';
import { FlotillaError } from '@flotilla/protocol';
import { breathe, portionsOf } from '../../breathe.ts';

/**
 * Which of an A/B rollout's devices get the version: those first in the order of a hash of rollout
 * and device, so that another rollout splits the same devices anew. Both arms hold at least one.
 *
 * @throws FlotillaError `rollout.invalid` where there is but one device
 */
export async function candidateArm(
  rollout: string,
  devices: readonly string[],
  sharePercent: number,
): Promise<ReadonlySet<string>> {
  if (devices.length < 2) {
    const reason = 'an A/B rollout compares devices with each other, and only one can take part';
    throw new FlotillaError('rollout.invalid', { reason, field: 'devices' });
  }
  const keys: number[] = [];
  for await (const some of portionsOf(devices)) {
    for (const device of some) keys.push(keyOf(rollout, device));
  }
  const share = Math.round((devices.length * sharePercent) / 100);
  const size = Math.min(devices.length - 1, Math.max(1, share));
  const sorted = Float64Array.from(keys).sort();
  await breathe();
  const end = sorted[size]!;
  return new Set(devices.filter((_, i) => keys[i]! < end));
}

/** 48 bits, which two devices of a fleet do not share. */
const keyOf = (rollout: string, device: string): number =>
  createHash('sha256').update(`arm ${rollout} ${device}`).digest().readUIntBE(0, 6);
