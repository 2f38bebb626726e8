import type { Window } from '@flotilla/protocol';
import { describe, expect, it } from 'vitest';
import { findFault } from './check.ts';
import { emptyWindow } from './merge.ts';

const NOW = 1_800_000_000_000;
const good: Window = {
  ...emptyWindow(),
  startMs: NOW - 10_000,
  lengthMs: 10_000,
  inferences: 10,
  classCounts: [4, 6],
  latencyUs: { alpha: 0.02, offset: 100, counts: [10], zeros: 0 },
  confidence: { count: 10, mean: 0.9, m2: 0.1, min: 0.7, max: 0.99 },
};

const comparison = {
  compared: 10,
  agreed: 7,
  disagreements: [{ active: 1, shadow: 2, count: 3 }],
  logLatencyRatio: { count: 10, mean: 0.3, m2: 0.1, min: 0.1, max: 0.5 },
  confidenceChange: { count: 10, mean: -0.1, m2: 0.1, min: -0.3, max: 0.1 },
  skipped: 4,
  activeDigest: 'sha256:00',
};
const shadow: Window = { ...good, role: 'ROLE_SHADOW', comparison };

const moments = { count: 1, mean: 0.5, m2: 0, min: 0.5, max: 0.5 };

describe('a window from a device', () => {
  it('is taken in where its numbers hold', () => {
    expect(findFault(good, NOW)).toBeUndefined();
    expect(findFault(emptyWindow(), NOW)).toContain('length');
  });

  it.each<[string, Partial<Window>]>([
    ['no multiple', { startMs: NOW - 9999 }],
    ['future', { startMs: NOW + 2 * 86_400_000 }],
    ['length', { lengthMs: 2 ** 31 }],
    ['counts are wrong', { inferences: Number.MAX_SAFE_INTEGER }],
    ['counts are wrong', { errors: 11 }],
    ['classes', { classCounts: new Array<number>(5000).fill(0) }],
    ['no counts', { classCounts: [-1] }],
    ['latency sketch', { latencyUs: { alpha: 0.3, offset: 0, counts: [], zeros: 0 } }],
    ['log histogram', { latencyUs: { alpha: 0.02, offset: 1e9, counts: [1], zeros: 0 } }],
    ['moments', { confidence: { ...moments, m2: -1 } }],
    ['no probability', { confidence: { ...moments, mean: 5, max: 5 } }],
    ['no probability', { confidence: { ...moments, mean: 1e300 } }],
    ['features', { features: new Array(300).fill({ name: 'a', counts: [] }) }],
    ['too long', { features: [{ name: 'x'.repeat(600), counts: [] }] }],
    ['bins', { features: [{ name: 'x', counts: new Array<number>(300).fill(1) }] }],
    ['moments', { features: [{ name: 'x', counts: [1], moments: { ...moments, mean: NaN } }] }],
    ['verdict', { drift: [{ name: 'x', statistic: NaN, threshold: 0, drifted: true }] }],
    [
      'temperature',
      {
        resources: {
          rssBytes: 1,
          cpuMs: 1,
          temperatureC: Number.POSITIVE_INFINITY,
          throttled: false,
          bytesWritten: 0,
        },
      },
    ],
  ])('is refused: %s', (fault, change) => {
    expect(findFault({ ...good, ...change }, NOW)).toContain(fault);
  });

  it('may carry labels, and what a shadow was compared with', () => {
    expect(findFault({ ...good, labeled: 5, correct: 4 }, NOW)).toBeUndefined();
    expect(findFault(shadow, NOW)).toBeUndefined();
    expect(findFault({ ...shadow, role: 'ROLE_ACTIVE' }, NOW)).toContain('only a shadow');
    const boxes = [{ active: 1, shadow: 2, count: 40 }];
    const detections = { ...comparison, disagreements: boxes };
    expect(findFault({ ...shadow, comparison: detections }, NOW)).toBeUndefined();
  });

  it.each<[string, Partial<typeof comparison>]>([
    ['does not add up', { agreed: 11 }],
    ['does not add up', { agreed: 10 }],
    ['does not add up', { compared: 9, agreed: 0 }],
    ['no counts', { skipped: -1 }],
    ['no counts', { compared: Number.NaN }],
    ['no counts', { disagreements: [{ active: 1, shadow: 2, count: 0.5 }] }],
    [
      '257 disagreements',
      { disagreements: Array.from({ length: 257 }, () => ({ active: 0, shadow: 1, count: 0 })) },
    ],
    ['names no class', { disagreements: [{ active: 1, shadow: 1e6, count: 1 }] }],
    ['too long', { activeDigest: 'x'.repeat(600) }],
    ['moments', { logLatencyRatio: { ...moments, mean: Number.NaN } }],
    ['out of range', { logLatencyRatio: { ...moments, max: 1e6 } }],
    ['out of range', { confidenceChange: { ...moments, min: -2, mean: -2 } }],
    ['out of range', { confidenceChange: { ...moments, m2: 5 } }],
  ])('is refused where a comparison in it is wrong: %s', (fault, change) => {
    const window = { ...shadow, comparison: { ...comparison, ...change } };
    expect(findFault(window, NOW)).toContain(fault);
  });
});
