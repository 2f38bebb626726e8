const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1000, 's'],
] as const;

/** In the largest unit of which it is a whole number, such as `90 m`; from milliseconds. */
export function timeText(ms: number): string {
  const [factor, unit] = UNITS.find(([each]) => ms >= each && ms % each === 0) ?? [1, 'ms'];
  return `${ms / factor} ${unit}`;
}
