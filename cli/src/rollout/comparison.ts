import {
  digits,
  type RolloutComparison,
  share,
  signed,
  signedShare,
  times,
  type Write,
} from '@flotilla/fleet-server/progress';
import { milliseconds, percent, table } from '../ui/table.ts';
import { count } from './text.ts';

type Shadow = NonNullable<RolloutComparison['shadow']>;
type Arms = NonNullable<RolloutComparison['ab']>;
type Estimate = Shadow['latencyRatio'];

/** Pairs of classes that are told. */
const PAIRS = 10;

/** What a shadow or an A/B rollout shows so far; empty for an update. */
export function comparisonText(comparison: RolloutComparison, columns: number): string {
  const { sentence, shadow, ab } = comparison;
  const parts = [sentence];
  if (shadow !== undefined) parts.push(...shadowTables(shadow, columns));
  if (ab !== undefined && ab.metrics.length > 0) parts.push(armsTable(ab, columns));
  return parts.filter((part) => part !== '').join('\n\n');
}

function shadowTables(shadow: Shadow, columns: number): string[] {
  const figures = [
    ['inferences by both', count(shadow.compared)],
    ['left out for time or heat', count(shadow.skipped)],
    ['devices', count(shadow.devices)],
    ['agreement', shadow.compared === 0 ? '–' : percent(shadow.agreement, 2)],
    [
      'run time of the shadow over that of the active model',
      estimateText(shadow.latencyRatio, times),
    ],
    ['change of confidence', estimateText(shadow.confidenceChange, signed)],
  ];
  const className = (index: number) => shadow.labels[index] ?? `${index}`;
  const pairs = shadow.disagreements
    .slice(0, PAIRS)
    .map((pair) => [className(pair.active), className(pair.shadow), count(pair.count)]);
  const tables = [table(['figure', 'value'], figures, columns)];
  if (pairs.length > 0) {
    tables.push(table(['active model says', 'shadow says', 'times'], pairs, columns));
  }
  return tables;
}

function armsTable({ metrics }: Arms, columns: number): string {
  const rows = metrics.map(({ metric, a, b, difference, devices }) => {
    const { figure, change } = UNITS[metric];
    return [
      metric,
      figure(a),
      figure(b),
      metric === 'class-mix' ? change(difference.value) : estimateText(difference, change),
      `${count(devices.a)} and ${count(devices.b)}`,
    ];
  });
  const head = ['metric', 'A keeps its version', 'B has the new one', 'difference', 'devices'];
  return table(head, rows, columns);
}

/** With the interval that holds at every look, where there is one. */
const estimateText = ({ value, low, high }: Estimate, write: Write): string =>
  low === undefined || high === undefined
    ? `${write(value)} (too few devices for an interval)`
    : `${write(value)} (${write(low)} to ${write(high)})`;

/** The mixes have a distance from each other, and no figure of their own. */
const none: Write = () => '–';

const UNITS: Readonly<
  Record<Arms['metrics'][number]['metric'], { readonly figure: Write; readonly change: Write }>
> = {
  latency: { figure: milliseconds, change: times },
  errors: { figure: share, change: signedShare },
  confidence: { figure: digits, change: signed },
  accuracy: { figure: share, change: signedShare },
  'class-mix': { figure: none, change: share },
};
