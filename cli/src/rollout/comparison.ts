import type { RolloutComparison } from '@flotilla/fleet-server/progress';
import { table } from '../ui/table.ts';
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
    ['agreement', `${(100 * shadow.agreement).toFixed(2)} %`],
    ['run time of the shadow over that of the active model', estimateText(shadow.latencyRatio)],
    ['change of confidence', estimateText(shadow.confidenceChange)],
  ];
  const pairs = shadow.disagreements
    .slice(0, PAIRS)
    .map((pair) => [`${pair.active}`, `${pair.shadow}`, count(pair.count)]);
  const tables = [table(['figure', 'value'], figures, columns)];
  if (pairs.length > 0) {
    tables.push(table(['active model says class', 'shadow says class', 'times'], pairs, columns));
  }
  return tables;
}

function armsTable({ metrics }: Arms, columns: number): string {
  const rows = metrics.map(({ metric, a, b, difference, devices }) => [
    metric,
    numberText(a),
    numberText(b),
    estimateText(difference),
    `${count(devices.a)} and ${count(devices.b)}`,
  ]);
  const head = ['metric', 'A keeps its version', 'B has the new one', 'difference', 'devices'];
  return table(head, rows, columns);
}

/** With the interval that holds at every look, where there is one. */
const estimateText = ({ value, low, high }: Estimate): string =>
  low === undefined || high === undefined
    ? `${numberText(value)} (too few devices for an interval)`
    : `${numberText(value)} (${numberText(low)} to ${numberText(high)})`;

const numberText = (value: number): string => `${Number(value.toPrecision(3))}`;
