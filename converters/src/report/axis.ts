/** An axis with round ticks. */
export interface Axis {
  readonly ticks: readonly number[];
  /** Position of a value in the drawing, never outside of it: what is infinite stands at an end. */
  at(value: number): number;
}

/**
 * An axis that holds all values.
 *
 * @param from and `to` are the positions of its ends
 * @param count about how many ticks it gets
 */
export function linearAxis(
  values: readonly number[],
  { from, to, count = 5 }: { readonly from: number; readonly to: number; readonly count?: number },
): Axis {
  const finite = values.filter(Number.isFinite);
  const low = Math.min(...finite);
  const high = Math.max(...finite);
  if (finite.length === 0) return { ticks: [], at: () => from };
  const span = high > low ? high - low : Math.abs(high);
  const step = niceStep(span > SMALLEST ? span : 1, count);
  const first = Math.floor(low / step) * step;
  const steps = Math.max(1, Math.ceil((high - first) / step - 1e-9));
  const ticks = Array.from({ length: steps + 1 }, (_, i) => rounded(first + i * step, step));
  const last = ticks.at(-1) ?? high;
  return { ticks, at: (value) => from + share(value, first, last) * (to - from) };
}

/** Where a value lies between two, from 0 to 1; what is no number is taken for the lower. */
function share(value: number, low: number, high: number): number {
  return Math.min(1, Math.max(0, (value - low) / (high - low))) || 0;
}

/** Below this a span is no more than the end of floating point. */
const SMALLEST = 1e-290;

/** 1, 2 or 5 times a power of ten (Heckbert, "Nice numbers for graph labels", 1990). */
function niceStep(span: number, count: number): number {
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= rough * 0.999) ?? 10;
  return factor * power;
}

/** Without the last digits that adding up steps leaves. */
function rounded(value: number, step: number): number {
  return Number((Math.round(value / step) * step).toPrecision(12)) + 0;
}

/** Below this two models answer alike as far as float32 tells. */
const FLOOR = 1e-7;

/** An axis of powers of ten; what is below 1e-7, zero too, stands at its lower end. */
export function logAxis(
  values: readonly number[],
  { from, to }: { readonly from: number; readonly to: number },
): Axis {
  const powerOf = (value: number): number => Math.log10(Math.max(value, FLOOR));
  const powers = values.filter(Number.isFinite).map(powerOf);
  if (powers.length === 0) return { ticks: [], at: () => from };
  const low = Math.floor(Math.min(...powers) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.max(...powers) - 1e-9));
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => Number(`1e${low + i}`));
  return { ticks, at: (value) => from + share(powerOf(value), low, high) * (to - from) };
}

/** Pixels that the text of a tick needs. */
const TICK_ROOM = 44;
/** Decades below the largest value that are told apart: what is smaller stands by zero. */
const DECADES = 6;

/**
 * An axis of the signed logarithm: zero, and powers of ten on either side. It is about linear below
 * the power of ten that the smallest of `sizes` has, so that sets of very different size show on one
 * axis.
 */
export function signedLogAxis(
  values: readonly number[],
  {
    from,
    to,
    sizes,
  }: { readonly from: number; readonly to: number; readonly sizes: readonly number[] },
): Axis {
  const finite = [0, ...values.filter(Number.isFinite)];
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const largest = Math.max(-low, high);
  if (largest === 0) return { ticks: [0], at: () => from };
  const last = Math.floor(Math.log10(largest));
  const powers = sizes.filter((size) => size > 0).map((size) => Math.floor(Math.log10(size)));
  const first = Math.max(last - DECADES, Math.min(last, ...powers));
  const unit = Number(`1e${first}`);
  const place = (value: number): number =>
    Math.sign(value) * Math.log10(1 + Math.abs(value) / unit);
  const at = (value: number): number =>
    from + share(place(value), place(low), place(high)) * (to - from);
  const decade = Math.abs(to - from) / (place(high) - place(low));
  const step = Math.max(1, Math.ceil(TICK_ROOM / decade));
  const count = Math.floor((last - first) / step) + 1;
  const sides = Array.from({ length: count }, (_, i) => Number(`1e${last - i * step}`)).filter(
    (tick) => place(tick) * decade >= TICK_ROOM / 2,
  );
  const below = sides.map((tick) => -tick);
  const ticks = [...below, 0, ...sides.toReversed()];
  return { ticks: ticks.filter((tick) => tick >= low && tick <= high), at };
}
