import { describe, expect, test } from 'vitest';
import { judgeWatched, LOOKS, type Watched, type WatchThresholds } from './watch-judges.ts';

const MIB = 1 << 20;
const thresholds: WatchThresholds = { latencyFactor: 4, memoryBytes: 128 * MIB, hungMs: 10_000 };
const well: Watched = {
  slot: 'parts',
  inferences: 1000,
  errors: 0,
  runs: { count: 1000, fastMs: 6 },
  benchmarkMs: 5,
  stalledMs: 0,
  growthBytes: Array.from({ length: LOOKS }, () => 30 * MIB),
  statedBytes: 16 * MIB,
};
const judge = (fields: Partial<Watched>, own: Partial<WatchThresholds> = {}) =>
  judgeWatched({ ...well, ...fields }, { ...thresholds, ...own });
const growth = (bytes: number, once?: number) =>
  Array.from({ length: LOOKS }, (_, look) => (look === 7 ? (once ?? bytes) : bytes));

describe('a watched model', () => {
  test('stays where all is well, and where nobody asked it anything', () => {
    expect(judge({})).toBeUndefined();
    const idle = { inferences: 0, runs: { count: 0, fastMs: 0 }, growthBytes: [] };
    expect(judge(idle)).toBeUndefined();
  });

  test.each<[string, Partial<Watched>, string | undefined]>([
    ['two errors of three', { inferences: 3, errors: 2 }, undefined],
    ['three errors of thirty', { inferences: 30, errors: 3 }, undefined],
    ['four errors of thirty', { inferences: 30, errors: 4 }, 'deployment.errors'],
    ['runs of four times the benchmark', { runs: { count: 50, fastMs: 20 } }, undefined],
    ['runs beyond that', { runs: { count: 50, fastMs: 20.1 } }, 'deployment.slow'],
    ['too few of them', { runs: { count: 19, fastMs: 500 } }, undefined],
    [
      'slow runs of a model that was never measured',
      { benchmarkMs: 0, runs: { count: 50, fastMs: 500 } },
      undefined,
    ],
    [
      'runs of a tiny model that the round trip makes up',
      { benchmarkMs: 0.02, runs: { count: 50, fastMs: 9 } },
      undefined,
    ],
    ['calls that wait for ten seconds', { stalledMs: 10_000 }, undefined],
    ['calls that wait longer', { stalledMs: 10_001 }, 'deployment.hung'],
    ['as long, of a model that is slow', { stalledMs: 30_000, benchmarkMs: 1000 }, undefined],
    ['memory within what it states and the margin', { growthBytes: growth(144 * MIB) }, undefined],
    ['memory beyond that', { growthBytes: growth(145 * MIB) }, 'deployment.memory'],
    ['a spike of it', { growthBytes: growth(30 * MIB, 900 * MIB) }, undefined],
    ['a lot of it with one low', { growthBytes: growth(900 * MIB, 30 * MIB) }, undefined],
    ['too few looks at it', { growthBytes: growth(900 * MIB).slice(1) }, undefined],
  ])('with %s', (_what, fields, code) => {
    expect(judge(fields)?.code).toBe(code);
  });

  test('is judged by thresholds that can be set', () => {
    expect(judge({ runs: { count: 50, fastMs: 30 } }, { latencyFactor: 7 })).toBeUndefined();
    expect(judge({ growthBytes: growth(40 * MIB) }, { memoryBytes: MIB })?.code).toBe(
      'deployment.memory',
    );
    expect(judge({ stalledMs: 500 }, { hungMs: 400 })?.code).toBe('deployment.hung');
  });

  test('is told off with the figures', () => {
    const slow = judge({ runs: { count: 50, fastMs: 123.456 } });
    expect(slow?.message).toContain('50');
    expect(slow?.message).toContain('123 ms');
    expect(slow?.message).toContain('5 ms');
  });
});
