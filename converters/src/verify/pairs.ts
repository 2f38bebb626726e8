import {
  type ClassificationPrediction,
  type EvaluationSpec,
  type PairedQuality,
  pairs,
} from '@flotilla/model';
import type { DataItem } from '../data/item.ts';
import type { SliceAccuracy } from '../result.ts';

/**
 * Pairs of predictions, of all samples and of each slice.
 *
 * @param metric what the spec asks for; without a label on every sample it is agreement
 */
export function pairsWithSlices(
  fp32: readonly ClassificationPrediction[],
  variant: readonly ClassificationPrediction[],
  items: readonly DataItem[],
  metric: EvaluationSpec['metric'],
): PairedQuality & { readonly slices: SliceAccuracy[] } {
  const labeled = metric === 'top1' && items.every((item) => item.label !== undefined);
  const compare = (rows: readonly number[]): PairedQuality => {
    const pick = <T>(values: readonly T[]): T[] => rows.map((row) => values[row]!);
    const labels = labeled ? pick(items).map((item) => item.label ?? -1) : undefined;
    return pairs(pick(fp32), pick(variant), labels);
  };
  const slices = [...sliceRows(items)].map(([key, rows]) => {
    const [slice = '', value = ''] = key.split('\0');
    return { slice, value, ...compare(rows) };
  });
  return { ...compare([...items.keys()]), slices };
}

function sliceRows(items: readonly DataItem[]): Map<string, number[]> {
  const rows = new Map<string, number[]>();
  items.forEach((item, row) => {
    for (const [slice, value] of Object.entries(item.slices)) {
      const key = `${slice}\0${value}`;
      const known = rows.get(key);
      if (known === undefined) rows.set(key, [row]);
      else known.push(row);
    }
  });
  return new Map([...rows].sort(([a], [b]) => (a < b ? -1 : 1)));
}
