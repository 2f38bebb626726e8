import type { Static } from 'typebox';
import type { RolloutComparison } from '../../http/schemas-comparison.ts';
import type { Write } from '../../rollouts/progress/written.ts';
import { type Picture, placeOf } from './evidence.ts';

export type Comparison = Static<typeof RolloutComparison>;
export type Estimate = NonNullable<Comparison['shadow']>['latencyRatio'];

/** An estimate with the interval that holds it, where there is one. */
export const written = ({ value, low, high }: Estimate, write: Write): string =>
  low === undefined || high === undefined
    ? write(value)
    : `${write(value)} (${write(low)} to ${write(high)})`;

interface IntervalProps {
  readonly name: string;
  readonly estimate: Estimate;
  readonly write: Write;
  /** What it is where both are alike. */
  readonly same: number;
}

/** An estimate with its interval around the line of no difference. */
export function Interval({ name, estimate, write, same }: IntervalProps) {
  const { value, low, high } = estimate;
  if (low === undefined || high === undefined) return null;
  const half = 1.1 * Math.max(Math.abs(low - same), Math.abs(high - same), 1e-9);
  const axis: Picture = { value, low, high, limit: same, from: same - half, to: same + half };
  const at = (number: number) => 100 * placeOf(axis, number);
  const apart = low > same || high < same;
  return (
    <span
      class={apart ? 'axis apart' : 'axis'}
      role="img"
      aria-label={`${name}: ${write(value)} (${write(low)} to ${write(high)})`}
    >
      <span class="axis-zero" style={{ left: `${at(same)}%` }} />
      <span
        class="axis-interval"
        style={{ left: `${at(low)}%`, width: `${at(high) - at(low)}%` }}
      />
      <span class="axis-value" style={{ left: `${at(value)}%` }} />
    </span>
  );
}
