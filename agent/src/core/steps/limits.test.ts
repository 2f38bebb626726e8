import { describe, expect, test } from 'vitest';
import { overLimit } from './limits.ts';

const figures = { latencyMs: 40, rssBytes: 50_000_000 };
const none = { maxLatencyMs: 0, maxRssBytes: 0 };
const wanted = (fields: Partial<typeof none>) => ({
  ...none,
  watchLatencyFactor: 0,
  watchMemoryBytes: 0,
  ...fields,
});
const judge = (server: Partial<typeof none>, own: Partial<typeof none>) =>
  overLimit('parts@3', figures, wanted(server), { ...none, ...own })?.code;

describe('limits of a model', () => {
  test('let everything pass where there are none', () => {
    expect(judge({}, {})).toBeUndefined();
    expect(overLimit('parts@3', figures, undefined, none)).toBeUndefined();
  });

  test.each([
    [{ maxLatencyMs: 39 }, {}, 'deployment.too-slow'],
    [{ maxLatencyMs: 40 }, {}, undefined],
    [{}, { maxLatencyMs: 39 }, 'deployment.too-slow'],
    [{ maxLatencyMs: 60 }, { maxLatencyMs: 39 }, undefined],
    [{ maxRssBytes: 49_000_000 }, {}, 'deployment.too-big'],
    [{ maxRssBytes: 49_000_000 }, { maxRssBytes: 60_000_000 }, 'deployment.too-big'],
    [{}, { maxRssBytes: 50_000_000 }, undefined],
  ])('of the server %o win over those of the device %o', (server, own, code) => {
    expect(judge(server, own)).toBe(code);
  });

  test('name the figures', () => {
    const slow = overLimit('parts@3', figures, wanted({ maxLatencyMs: 30 }), none);
    expect(slow?.message).toContain('parts@3 took 40 ms for a run');
    expect(slow?.message).toContain('limit of 30 ms');
  });
});
