import { digits } from '../app/format.ts';

interface LevelProps {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
}

/** A value on a bar with its limit marked. */
export function Level({ name, value, limit }: LevelProps) {
  const most = Math.max(value, limit, Number.MIN_VALUE) * 1.12;
  const over = value > limit;
  return (
    <span
      class={over ? 'level over' : 'level'}
      role="img"
      aria-label={`${name} ${digits(value)}, limit ${digits(limit)}`}
    >
      <span class="level-track">
        <span class="level-fill" style={{ width: `${(value / most) * 100}%` }} />
        <span class="level-limit" style={{ left: `${(limit / most) * 100}%` }} />
      </span>
      <span class="level-text">
        {name} {digits(value)} <span class="muted">limit {digits(limit)}</span>
      </span>
    </span>
  );
}
