/** Each count as a part of their sum; all 0 where there is none. */
export function shares(counts: readonly number[]): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => (total === 0 ? 0 : count / total));
}

/** Round values from 0 up to at least `most`, about `wanted` of them. */
export function ticks(most: number, wanted = 4): number[] {
  if (!(most > 0)) return [0, 1];
  const rough = most / wanted;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10]
    .map((factor) => factor * unit)
    .find((size) => size >= rough * 0.999);
  const size = step ?? 10 * unit;
  const last = Math.ceil(most / size - 1e-9);
  return Array.from({ length: last + 1 }, (_, i) => Number((i * size).toPrecision(12)));
}

/** Digits after the point that tell rising numbers apart on an axis. */
export function placesOf(edges: readonly number[]): number {
  const range = (edges.at(-1) ?? 0) - (edges[0] ?? 0);
  return range > 0 ? Math.min(8, Math.max(0, 1 - Math.floor(Math.log10(range)))) : 2;
}

/** Which of `count` places get a label, so that `room` are not exceeded; even steps. */
export function labelled(count: number, room: number): number[] {
  if (count === 0) return [];
  const step = Math.max(1, Math.ceil(count / Math.max(1, room)));
  const first = Math.floor(((count - 1) % step) / 2);
  return Array.from({ length: Math.ceil((count - first) / step) }, (_, i) => first + i * step);
}
