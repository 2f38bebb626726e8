import { Moments } from '@flotilla/model';
import type { Moments as Wire } from '@flotilla/protocol';

/** Moments as a message may carry them: a field that is not set is not there, or null. */
export type MaybeMoments = Wire | null | undefined;

/** Of all observations of both. */
export function mergeMoments(a: MaybeMoments, b: MaybeMoments): Wire | null {
  if (!a || !b) return a ?? b ?? null;
  const moments = Moments.fromWire(a);
  moments.merge(Moments.fromWire(b));
  return moments.toWire();
}
