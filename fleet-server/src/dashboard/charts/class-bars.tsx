import { percent } from '../app/format.ts';
import { shares } from './scale.ts';

interface ClassBarsProps {
  readonly title: string;
  /** By class index; classes without one are named by their index. */
  readonly labels: readonly string[];
  /** Counts by class index. */
  readonly reference: readonly number[];
  readonly observed: readonly number[];
  readonly names: { readonly reference: string; readonly observed: string };
}

/** Classes that are drawn one by one. */
const SHOWN = 12;

export interface ClassShare {
  readonly label: string;
  readonly reference: number;
  readonly observed: number;
}

/** How often each class is predicted, two versions or reference and observation side by side. */
export function ClassBars({ title, labels, reference, observed, names }: ClassBarsProps) {
  const rows = classShares(labels, reference, observed);
  const floor = rows.length < SHOWN ? 0.25 : 0.01;
  const most = Math.max(floor, ...rows.flatMap((row) => [row.reference, row.observed]));
  return (
    <table class="class-bars" aria-label={title}>
      <thead class="legend">
        <tr>
          <th scope="col" class="hidden">
            class
          </th>
          <th scope="col">
            <i class="swatch reference" aria-hidden="true" />
            {names.reference}
          </th>
          <th scope="col">
            <i class="swatch observed" aria-hidden="true" />
            {names.observed}
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.label}>
            <th scope="row" title={row.label}>
              <bdi>{row.label}</bdi>
            </th>
            <Bar name="reference" share={row.reference} most={most} />
            <Bar name="observed" share={row.observed} most={most} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface BarProps {
  readonly name: 'reference' | 'observed';
  readonly share: number;
  readonly most: number;
}

function Bar({ name, share, most }: BarProps) {
  return (
    <td>
      <span class={`bar ${name}`} style={{ width: `${(share / most) * 100}%` }} />
      <span class="bar-value">{percent(share, share < 0.1 ? 1 : 0)}</span>
    </td>
  );
}

/** In the order of the labels; of many classes the most frequent, the others as one. */
export function classShares(
  labels: readonly string[],
  reference: readonly number[],
  observed: readonly number[],
): ClassShare[] {
  const [before, now] = [shares(reference), shares(observed)];
  const count = Math.max(before.length, now.length);
  const all = Array.from({ length: count }, (_, i) => ({
    index: i,
    label: labels[i] || `class ${i}`,
    reference: before[i] ?? 0,
    observed: now[i] ?? 0,
  }));
  if (count <= SHOWN) return all;
  const most = (row: ClassShare) => Math.max(row.reference, row.observed);
  const kept = all.toSorted((a, b) => most(b) - most(a) || a.index - b.index).slice(0, SHOWN - 1);
  const rest = all.filter((row) => !kept.includes(row));
  return [
    ...kept.toSorted((a, b) => a.index - b.index),
    {
      label: `${rest.length} others`,
      reference: rest.reduce((sum, row) => sum + row.reference, 0),
      observed: rest.reduce((sum, row) => sum + row.observed, 0),
    },
  ];
}
