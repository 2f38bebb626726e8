import { describe, expect, it } from 'vitest';
import { labelPlaces } from './label-places.ts';

const AREA = { left: 0, right: 400, top: 0, bottom: 300 };

describe('places of labels', () => {
  it('are beside a disc that has room', () => {
    const [place] = labelPlaces([{ x: 100, y: 100, radius: 5 }], AREA);
    expect(place).toEqual({ x: 114, y: 100, away: false });
  });

  it('stay within the drawing', () => {
    const [place] = labelPlaces([{ x: 395, y: 295, radius: 5 }], AREA);
    expect(place?.x).toBeLessThan(392);
    expect(place?.y).toBeLessThan(294);
  });

  it('keep clear of each other where discs are heaped', () => {
    const discs = Array.from({ length: 12 }, (_, i) => ({ x: 200, y: 100 + i * 3, radius: 6 }));
    const places = labelPlaces(discs, AREA);
    for (const [i, place] of places.entries()) {
      const near = places
        .slice(0, i)
        .filter(({ x, y }) => Math.abs(x - place.x) < 16 && Math.abs(y - place.y) < 12);
      expect(near).toEqual([]);
    }
    expect(places.some(({ away }) => away)).toBe(true);
  });

  it('are on the disc where the drawing has no room', () => {
    const tiny = { left: 0, right: 4, top: 0, bottom: 4 };
    expect(labelPlaces([{ x: 2, y: 2, radius: 2 }], tiny)).toEqual([{ x: 2, y: 2, away: false }]);
  });
});
