interface SparklineProps {
  readonly values: readonly number[];
  readonly label: string;
}

const WIDTH = 64;
const HEIGHT = 18;

/** A line without axes: the shape of the last values, from 0 to their largest. */
export function Sparkline({ values, label }: SparklineProps) {
  const points = sparkPoints(values, WIDTH, HEIGHT);
  const last = points.at(-1);
  return (
    <svg class="spark" width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
      {points.length > 1 && <polyline points={points.map(([x, y]) => `${x},${y}`).join(' ')} />}
      {last && <circle cx={last[0]} cy={last[1]} r="1.8" />}
    </svg>
  );
}

/** Newest at the right edge, two units of air around. */
export function sparkPoints(
  values: readonly number[],
  width: number,
  height: number,
): [number, number][] {
  const most = Math.max(...values, Number.MIN_VALUE);
  const step = (width - 4) / Math.max(1, values.length - 1);
  const round = (value: number) => Math.round(value * 10) / 10;
  return values.map((value, i) => [
    round(width - 2 - (values.length - 1 - i) * step),
    round(height - 2 - (value / most) * (height - 4)),
  ]);
}
