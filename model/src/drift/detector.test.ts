import { isFlotillaError } from '@flotilla/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FixedBins } from '../sketches/fixed-bins.ts';
import { normals } from '../testing/random.ts';
import { createDriftDetector } from './detector.ts';
import { buildProfile, decodeProfile, encodeProfile, type Observation } from './profile.ts';

function observations(count: number, seed: number, shift = 0): Observation[] {
  const normal = normals(seed);
  return Array.from({ length: count }, (_, i) => ({
    features: { light: normal(shift), size: normal(10, 3), lens: 1 },
    classIndex: i % 3,
    confidence: 0.5 + 0.4 * Math.sin(i) ** 2,
  }));
}

const PROFILE = buildProfile(observations(500, 1), 4);

describe('the reference profile', () => {
  it('cuts each feature into 20 bins of equal share', () => {
    const light = PROFILE.features.find(({ name }) => name === 'light');
    expect(light?.edges).toHaveLength(19);
    expect(light?.counts).toEqual(new Array(20).fill(25));
    expect(light?.mean).toBeCloseTo(0, 0);
    expect(light?.std).toBeCloseTo(1, 0);
  });

  it('counts classes and confidence', () => {
    expect(PROFILE.classCounts).toEqual([167, 167, 166, 0]);
    expect(PROFILE.confidence.bins).toHaveLength(20);
    expect(PROFILE.confidence.bins.reduce((a, b) => a + b)).toBe(500);
    expect(PROFILE.confidence.mean).toBeCloseTo(0.7, 1);
    expect(PROFILE.samples).toBe(500);
  });

  it('gives a feature that never changes bins around its value', () => {
    const lens = PROFILE.features.find(({ name }) => name === 'lens');
    expect(lens?.counts).toEqual([0, 500, 0]);
    const bins = new FixedBins(lens?.edges ?? []);
    for (const value of [0.99, 1, 1.01]) bins.count(value);
    expect(bins.counts).toEqual([1, 1, 1]);
  });

  it('makes fewer bins of few samples, and rising edges of any', () => {
    const of = (values: number[]) =>
      buildProfile(values.map((a) => ({ features: { a } }))).features[0];
    expect(of(Array.from({ length: 30 }, (_, i) => i))?.edges).toHaveLength(5);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1 }), (values) => {
        const feature = of(values);
        expect(() => new FixedBins(feature?.edges ?? [], feature?.counts)).not.toThrow();
        expect(feature?.counts.reduce((a, b) => a + b)).toBe(values.length);
      }),
    );
    expect(buildProfile([])).toMatchObject({ features: [], samples: 0, classCounts: [] });
  });

  it('survives the way through bytes, and is refused when harmed', () => {
    const bytes = encodeProfile(PROFILE);
    expect(decodeProfile(bytes)).toEqual(PROFILE);
    expect(encodeProfile(decodeProfile(bytes))).toEqual(bytes);
    const harm = (change: (profile: typeof PROFILE) => void) => {
      const copy = structuredClone(PROFILE);
      change(copy);
      return () => decodeProfile(encodeProfile(copy));
    };
    expect(harm((profile) => profile.features[1]?.edges.reverse())).toThrow('bins of light');
    expect(harm((profile) => profile.features[1]?.counts.pop())).toThrow('bins of light');
    expect(harm((profile) => profile.classCounts.push(-1))).toThrow('profile');
    expect(() => decodeProfile(bytes.subarray(0, 99))).toThrow('is not JSON');
    fc.assert(
      fc.property(fc.json(), (text) => {
        try {
          decodeProfile(new TextEncoder().encode(text));
          return true;
        } catch (error) {
          return isFlotillaError(error, 'profile.invalid');
        }
      }),
    );
  });
});

describe('the drift detector', () => {
  const feed = (detector: ReturnType<typeof createDriftDetector>, rows: readonly Observation[]) => {
    for (const { features } of rows) detector.observe(features);
    return detector.closeWindow();
  };

  it('stays calm over a thousand windows like the reference', () => {
    const detector = createDriftDetector(PROFILE);
    let alarms = 0;
    for (let i = 0; i < 1000; i++) {
      const { verdicts } = feed(detector, observations(100, 1000 + i));
      if (verdicts.some(({ drifted }) => drifted)) alarms++;
    }
    expect(alarms).toBe(0);
  });

  it('finds a shift in the second window that shows it, and names the feature', () => {
    const detector = createDriftDetector(PROFILE);
    feed(detector, observations(200, 50));
    const first = feed(detector, observations(200, 51, 1));
    expect(first.verdicts.some(({ drifted }) => drifted)).toBe(false);
    const second = feed(detector, observations(200, 52, 1));
    expect(second.verdicts.filter(({ drifted }) => drifted).map(({ name }) => name)).toEqual([
      'light',
    ]);
    const light = second.verdicts.find(({ name }) => name === 'light');
    expect(light?.statistic).toBeGreaterThan(light?.threshold ?? 9);
  });

  it('calms down when the shift is over', () => {
    const detector = createDriftDetector(PROFILE);
    for (const [i, shift] of [1, 1, 0, 0].entries()) {
      const { verdicts } = feed(detector, observations(200, 60 + i, shift));
      const drifted = verdicts.some((verdict) => verdict.drifted);
      expect(drifted).toBe(i === 1 || i === 2);
    }
  });

  it('notices any change of a feature that never changed', () => {
    const detector = createDriftDetector(PROFILE);
    for (let window = 0; window < 2; window++) {
      for (let i = 0; i < 60; i++) detector.observe({ lens: 0.8 });
      const { verdicts } = detector.closeWindow();
      expect(verdicts).toEqual([expect.objectContaining({ name: 'lens', drifted: window === 1 })]);
    }
  });

  it('tests a window that is too small together with the next', () => {
    const detector = createDriftDetector(PROFILE, { minSamples: 50 });
    expect(feed(detector, observations(30, 70)).verdicts).toEqual([]);
    const { verdicts, features } = feed(detector, observations(30, 71));
    expect(verdicts).toHaveLength(3);
    expect(features.map(({ moments }) => moments?.count)).toEqual([30, 30, 30]);
    expect(feed(detector, []).verdicts).toEqual([]);
  });

  it('leaves out what is unknown or not a number', () => {
    const detector = createDriftDetector(PROFILE);
    detector.observe({ light: Number.NaN, other: 1, constructor: 1 });
    const { features } = detector.closeWindow();
    expect(features.every(({ moments }) => moments?.count === 0)).toBe(true);
  });

  it('calls no difference drift that is too small to matter', () => {
    const detector = createDriftDetector(buildProfile(observations(20_000, 2), 4));
    for (let i = 0; i < 3; i++) {
      const { verdicts } = feed(detector, observations(20_000, 80 + i, 0.1));
      expect(verdicts.some(({ drifted }) => drifted)).toBe(false);
    }
  });
});
