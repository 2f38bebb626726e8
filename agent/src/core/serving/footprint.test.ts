import { describe, expect, test } from 'vitest';
import { createFootprint } from './footprint.ts';

function bed() {
  const memory = { rss: 100 };
  return { memory, footprint: createFootprint(() => memory.rss) };
}

describe('footprint', () => {
  test('counts from before the load, and from the first look where there was none', () => {
    const { memory, footprint } = bed();
    const ended = footprint.loads('parts');
    memory.rss = 140;
    expect(footprint.growth('parts')).toBeUndefined();
    ended();
    expect(footprint.growth('parts')).toBe(40);
    expect(footprint.growth('faces')).toBe(0);
    memory.rss = 150;
    expect(footprint.growth('faces')).toBe(10);
  });

  test('lays nothing to a slot that another one takes by loading', () => {
    const { memory, footprint } = bed();
    footprint.loads('parts')();
    memory.rss = 120;
    expect(footprint.growth('parts')).toBe(20);
    const ended = footprint.loads('faces');
    memory.rss = 900;
    ended();
    expect(footprint.growth('parts')).toBe(0);
    expect(footprint.growth('faces')).toBe(780);
  });
});
