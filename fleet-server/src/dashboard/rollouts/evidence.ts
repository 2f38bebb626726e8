import type { Progress } from './squares.ts';

type Verdict = Progress['verdicts'][number];

/** What a gate saw on one axis with its limit, in the gate's own unit. */
export interface Picture {
  readonly value: number;
  readonly limit: number;
  /** 95 % of what the devices' mean may be; equal to the value where nothing is known of it. */
  readonly low: number;
  readonly high: number;
  /** Ends of the axis. */
  readonly from: number;
  readonly to: number;
}

/** Undefined where there is nothing to draw, as before the first evidence. */
export function pictureOf({ numbers }: Pick<Verdict, 'numbers'>): Picture | undefined {
  const { limit, devices = 0, spread = 0 } = numbers;
  const value = numbers.change ?? numbers.share ?? numbers.distance;
  if (limit === undefined || value === undefined) return undefined;
  if (!Number.isFinite(limit) || !Number.isFinite(value)) return undefined;
  const half = devices > 1 ? (1.96 * spread) / Math.sqrt(devices) : 0;
  const [low, high] = [value - half, value + half];
  const from = Math.min(0, low, limit);
  const to = Math.max(limit * 1.6, high, value) * 1.06;
  return { value, limit, low, high, from, to: to > from ? to : from + 1 };
}

/** Where a number lies on the axis of a picture, 0 to 1. */
export const placeOf = ({ from, to }: Picture, number: number): number =>
  Math.min(1, Math.max(0, (number - from) / (to - from)));

/** How near suspicion is to certainty, 0 to 1; undefined where there is none. */
export function suspicionOf({ numbers }: Pick<Verdict, 'numbers'>): number | undefined {
  const { odds, alpha } = numbers;
  if (odds === undefined || alpha === undefined || odds <= 1 || alpha >= 1) return undefined;
  return Math.min(1, Math.log(odds) / Math.log(1 / alpha));
}
