import {
  digits,
  share,
  signed,
  signedShare,
  times,
  type Write,
} from '../../rollouts/progress/written.ts';
import { count, latency } from '../app/format.ts';
import { type Comparison, Interval, written } from './interval.tsx';

type Arms = NonNullable<Comparison['ab']>;

interface Metric {
  readonly title: string;
  /** How the figure of an arm is written, and a difference. */
  readonly figure: Write;
  readonly difference: Write;
  /** The difference where both arms are alike. */
  readonly same: number;
}

const METRICS: Readonly<Record<Arms['metrics'][number]['metric'], Metric>> = {
  latency: { title: 'Latency', figure: latency, difference: times, same: 1 },
  errors: { title: 'Errors', figure: share, difference: signedShare, same: 0 },
  confidence: { title: 'Confidence', figure: digits, difference: signed, same: 0 },
  accuracy: { title: 'Accuracy', figure: share, difference: signedShare, same: 0 },
  'class-mix': { title: 'Class mix, distance', figure: share, difference: share, same: 0 },
};

/** Both arms of an A/B rollout side by side. */
export function ArmsTable({ arms: { metrics } }: { readonly arms: Arms }) {
  if (metrics.length === 0) return null;
  return (
    <table class="plain arms">
      <thead>
        <tr>
          <th scope="col">Metric</th>
          <th scope="col">A keeps its version</th>
          <th scope="col">B has the new one</th>
          <th scope="col">Difference</th>
          <th scope="col">Devices</th>
        </tr>
      </thead>
      <tbody>
        {metrics.map((result) => (
          <ArmsRow key={result.metric} result={result} />
        ))}
      </tbody>
    </table>
  );
}

function ArmsRow({ result }: { readonly result: Arms['metrics'][number] }) {
  const { metric, a, b, difference, devices } = result;
  const { title, figure, difference: write, same } = METRICS[metric];
  // the mixes have a distance from each other, and no figure of their own nor an interval
  const apart = metric === 'class-mix';
  const unsure = !apart && difference.low === undefined;
  return (
    <tr>
      <th scope="row">{title}</th>
      <td data-label="A">{apart ? '–' : figure(a)}</td>
      <td data-label="B">{apart ? '–' : figure(b)}</td>
      <td data-label="Difference">
        {written(difference, write)}
        {unsure && ', too few devices for an interval'}
        <Interval name={title} estimate={difference} write={write} same={same} />
      </td>
      <td data-label="Devices">{`${count(devices.a)} and ${count(devices.b)}`}</td>
    </tr>
  );
}
