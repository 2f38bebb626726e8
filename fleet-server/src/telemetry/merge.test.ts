import { LogHistogram, Moments } from '@flotilla/model';
import type { Window } from '@flotilla/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyWindow, latencyMs, mergeWindows, packWindow, unpackWindow } from './merge.ts';

/** A window of predictions: class, confidence, latency in µs. */
const predictions = fc.array(
  fc.tuple(fc.nat(4), fc.float({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 1e6 })),
  { maxLength: 30 },
);

function windowOf(rows: readonly (readonly [number, number, number])[]): Window {
  const confidence = new Moments();
  const latency = new LogHistogram();
  const classCounts = [0, 0, 0, 0, 0];
  for (const [index, value, us] of rows) {
    classCounts[index]! += 1;
    confidence.record(value);
    latency.record(us);
  }
  return {
    ...emptyWindow(),
    inferences: rows.length,
    errors: rows.length % 2,
    classCounts,
    confidence: confidence.toWire(),
    latencyUs: latency.toWire(),
    confidenceBins: [rows.length],
    resources: {
      rssBytes: rows.length,
      cpuMs: 1,
      temperatureC: rows.length,
      throttled: rows.length > 20,
      bytesWritten: 2,
    },
  };
}

describe('merged windows', () => {
  it('are what one window over all of it would have been', () => {
    fc.assert(
      fc.property(fc.array(predictions, { minLength: 1, maxLength: 5 }), (parts) => {
        const merged = parts.map(windowOf).reduce(mergeWindows, emptyWindow());
        const whole = windowOf(parts.flat());
        expect(merged.inferences).toBe(whole.inferences);
        expect(merged.classCounts).toEqual(whole.classCounts);
        expect(merged.confidence?.count).toBe(whole.confidence?.count);
        expect(merged.confidence?.mean).toBeCloseTo(whole.confidence?.mean ?? 0, 9);
        expect(merged.confidence?.m2).toBeCloseTo(whole.confidence?.m2 ?? 0, 7);
        expect(latencyMs(merged, 0.95)).toBe(latencyMs(whole, 0.95));
      }),
    );
  });

  it('survive the way into the database and back', () => {
    fc.assert(
      fc.property(predictions, (rows) => {
        const window = windowOf(rows);
        expect(unpackWindow(packWindow(window))).toEqual(window);
      }),
    );
  });

  it('keep the peaks of memory and temperature', () => {
    const merged = mergeWindows(windowOf([[0, 1, 1]]), windowOf([]));
    expect(merged.resources).toMatchObject({ rssBytes: 1, temperatureC: 1, cpuMs: 2 });
  });

  it('add up labels and comparisons, and keep the most frequent disagreements', () => {
    const of = (shadow: number, count: number): Window => ({
      ...emptyWindow(),
      labeled: 3,
      correct: 2,
      comparison: {
        compared: 10,
        agreed: 10 - count,
        disagreements: [{ active: 0, shadow, count }],
        logLatencyRatio: { count: 10, mean: shadow / 10, m2: 0, min: 0, max: 1 },
        skipped: 1,
        activeDigest: 'sha256:00',
      },
    });
    const merged = [of(2, 1), of(1, 4), of(2, 2)].reduce(mergeWindows, emptyWindow());
    expect(merged).toMatchObject({ labeled: 9, correct: 6 });
    expect(merged.comparison).toMatchObject({
      compared: 30,
      agreed: 23,
      disagreements: [
        { active: 0, shadow: 1, count: 4 },
        { active: 0, shadow: 2, count: 3 },
      ],
      skipped: 3,
      confidenceChange: null,
    });
    expect(merged.comparison?.logLatencyRatio?.mean).toBeCloseTo(1 / 6, 9);
    const many = Array.from({ length: 300 }, (_, i) => of(i, 1)).reduce(
      mergeWindows,
      emptyWindow(),
    );
    expect(many.comparison?.disagreements).toHaveLength(256);
  });
});
