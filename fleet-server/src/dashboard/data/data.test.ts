import { expect, test } from 'vitest';
import { emptySide } from '../../rollouts/gates/testing.ts';
import type { DevicePair, Side } from '../../rollouts/gates/types.ts';
import { parseLabels } from './bundle-text.ts';
import { merge } from './comparison.ts';
import { slotRows } from './fleet-rows.ts';

const side = (inferences: number, mean: number, classCounts: number[]): Side => ({
  ...emptySide(),
  inferences,
  errors: 1,
  confidence: { count: inferences, mean, m2: 0 },
  classCounts,
});

test('each device counts with the smaller of its two numbers', () => {
  const pairs: DevicePair[] = [
    {
      device: 'a',
      variant: 'x86-64 int8',
      baseline: side(9000, 0.9, [9000, 0]),
      candidate: side(10, 0.5, [0, 10]),
    },
    {
      device: 'b',
      variant: 'x86-64 int8',
      baseline: side(30, 0.8, [30, 0]),
      candidate: side(300, 0.7, [150, 150]),
    },
  ];
  const before = merge(pairs, 'baseline', 1);
  const now = merge(pairs, 'candidate', 2);
  expect(before.confidence).toBeCloseTo((10 * 0.9 + 30 * 0.8) / 40, 9);
  expect(now.confidence).toBeCloseTo((10 * 0.5 + 30 * 0.7) / 40, 9);
  expect([before.classes, now.classes]).toEqual([
    [40, 0],
    [15, 25],
  ]);
  expect([before.inferences, now.inferences, now.errors]).toEqual([9030, 310, 2]);
});

test('a class that one device never predicted is counted all the same', () => {
  const pairs: DevicePair[] = [
    {
      device: 'a',
      variant: 'x86-64 int8',
      baseline: side(2, 1, [2]),
      candidate: side(2, 1, [0, 0, 0, 2]),
    },
    { device: 'b', variant: 'x86-64 int8', baseline: side(2, 1, []), candidate: side(2, 1, [2]) },
  ];
  expect(merge(pairs, 'candidate', 2).classes).toEqual([2, 0, 0, 2]);
  expect(merge(pairs, 'baseline', 1).classes).toEqual([2]);
});

test('figures of a version that a slot no longer runs are not shown', () => {
  const latest = {
    ...{ fleet: 'f', device: 'd', slot: 'parts', deployment: '', model: 'parts', version: 2 },
    ...{ window_end_ms: 9, length_ms: 1, inferences: 5, errors: 0, p50_ms: 1, p95_ms: 2 },
    ...{ confidence: 0.9, drifted: 1, rss_bytes: 0, temperature_c: 0, throttled: 0 as const },
  };
  const active = { slot: 'parts', model: 'parts', precision: 'int8' };
  const [same] = slotRows([{ ...active, version: 2 }], [latest]);
  expect(same?.window).toMatchObject({ p95Ms: 2, driftedFeatures: 1 });
  const [other] = slotRows([{ ...active, version: 1 }], [latest]);
  expect(other).toMatchObject({ version: 1, window: null });
});

test('labels are lines, cut to what a screen can show', () => {
  expect(parseLabels('bolt\r\n nut \n<b>cap</b>\n')).toEqual(['bolt', 'nut', '<b>cap</b>']);
  expect(parseLabels('x'.repeat(500))[0]).toHaveLength(80);
  expect(parseLabels(Array.from({ length: 9000 }, () => 'a').join('\n'))).toHaveLength(2000);
});
