import { count, percent } from '../app/format.ts';
import { hrefOf } from '../app/route.ts';
import { ClassBars } from '../charts/class-bars.tsx';
import { Legend } from '../charts/histogram.tsx';
import type { ComparedSide, Comparison } from '../data/schemas.ts';

/** Confidence and class mix of both versions as bars. */
export function ComparisonView({ comparison }: { readonly comparison: Comparison }) {
  const { before, now, labels, devices } = comparison;
  if (before === null || now === null) {
    return (
      <p class="muted">Nothing to compare yet: no device has made inferences with both versions.</p>
    );
  }
  const names = { reference: `version ${before.version}`, observed: `version ${now.version}` };
  return (
    <div class="columns">
      <div>
        <h3>Confidence</h3>
        <Legend names={names} />
        <Pair name="Mean of all" before={before.confidence} now={now.confidence} strong />
        {devices.map(({ device, name, before: old, now: fresh }) => (
          <Pair
            key={device}
            name={name || device}
            href={hrefOf({ page: 'device', id: device })}
            before={old}
            now={fresh}
          />
        ))}
        <p class="muted small">
          {evidence(before)} and {evidence(now)}; each device counts with the smaller of its two
          numbers.
        </p>
      </div>
      <div>
        <h3>Class mix</h3>
        <ClassBars
          title={`How often each class is predicted, ${names.reference} and ${names.observed}`}
          labels={labels}
          reference={before.classes}
          observed={now.classes}
          names={names}
        />
      </div>
    </div>
  );
}

function evidence({ version, inferences, errors }: ComparedSide): string {
  const failed = errors === 0 ? '' : `, ${percent(errors / Math.max(1, inferences), 1)} errors`;
  return `${count(inferences)} inferences by version ${version}${failed}`;
}

interface PairProps {
  readonly name: string;
  readonly href?: string;
  readonly before: number;
  readonly now: number;
  readonly strong?: boolean;
}

/** Two bars from 0 to 1 under one name. */
function Pair({ name, href, before, now, strong = false }: PairProps) {
  return (
    <div class={strong ? 'pair strong' : 'pair'}>
      <span class="pair-name">{href === undefined ? name : <a href={href}>{name}</a>}</span>
      <span
        class="pair-bars"
        role="img"
        aria-label={`${name}: ${before.toFixed(2)} before, ${now.toFixed(2)} now`}
      >
        <span class="bar reference" style={{ width: percent(before, 1).replace(' ', '') }} />
        <span class="bar observed" style={{ width: percent(now, 1).replace(' ', '') }} />
      </span>
      <span class="pair-values mono">
        {before.toFixed(2)} → {now.toFixed(2)}
      </span>
    </div>
  );
}
