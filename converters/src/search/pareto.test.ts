import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NOISE, paretoFront, rankByAccuracy, rankTrials } from './pareto.ts';
import { trialOf } from './testing.ts';
import { speedOf, type Trial } from './trial.ts';

const ORDER = ['int8', 'mixed', 'fp16', 'fp32'] as const;

const trials = fc.array(
  fc
    .record({
      divergence: fc.double({ min: 0.01, max: 1, noNaN: true }),
      speed: fc.double({ min: 0.1, max: 3, noNaN: true }),
      bytes: fc.integer({ min: 1, max: 1_000_000 }),
      withinBudget: fc.boolean(),
    })
    .map(trialOf),
  { maxLength: 30 },
);

function beats(a: Trial, b: Trial): boolean {
  return a.divergence < b.divergence && speedOf(a) < speedOf(b) && a.bytes < b.bytes * 0.9;
}

describe('the Pareto front', () => {
  test('holds nobody whom another beats in everything, and somebody where anybody is', () => {
    fc.assert(
      fc.property(trials, (all) => {
        const front = paretoFront(all);
        expect(front.length > 0).toBe(all.length > 0);
        for (const trial of front) expect(all.some((other) => beats(other, trial))).toBe(false);
        const fastest = Math.min(...all.map(speedOf));
        const best = Math.min(...all.map(({ divergence }) => divergence));
        if (all.length === 0) return;
        expect(front.some((trial) => speedOf(trial) === fastest)).toBe(true);
        expect(front.some(({ divergence }) => divergence === best)).toBe(true);
      }),
    );
  });
});

describe('what is handed over', () => {
  test('is within the budget and as fast as anything that is, but for noise', () => {
    fc.assert(
      fc.property(trials, (all) => {
        const ranked = rankTrials(all, ORDER);
        const allowed = all.filter(({ withinBudget }) => withinBudget);
        expect(ranked.length > 0).toBe(allowed.length > 0);
        for (const trial of ranked) expect(trial.withinBudget).toBe(true);
        const [first] = ranked;
        if (first === undefined) return;
        const fastest = Math.min(...allowed.map(speedOf));
        expect(speedOf(first)).toBeLessThanOrEqual(fastest * (1 + NOISE));
        expect(new Set(ranked)).toEqual(new Set(paretoFront(allowed)));
      }),
    );
  });

  test('is the most accurate of those equally fast, then the smallest', () => {
    const slow = trialOf({ divergence: 0, speed: 1, bytes: 1 });
    const fast = trialOf({ divergence: 0.2, speed: 0.5, bytes: 9 });
    const near = trialOf({ divergence: 0.1, speed: 0.51, bytes: 8 });
    const small = trialOf({ divergence: 0.1, speed: 0.509, bytes: 4 });
    expect(rankTrials([slow, fast, near, small], ORDER)).toEqual([small, fast, slow]);
  });

  test('does not depend on differences of latency within noise', () => {
    const good = trialOf({ divergence: 0.1, speed: 0.5, bytes: 5 });
    const bad = trialOf({ divergence: 0.3, speed: 0.5, bytes: 5 });
    for (const factor of [0.98, 1, 1.02]) {
      const latency = { ...bad.latency, variant: bad.latency.variant * factor };
      expect(rankTrials([{ ...bad, latency }, good], ORDER)[0]).toBe(good);
    }
  });

  test('is nothing that is slower than fp32 where fp32 was tried', () => {
    const fp32 = trialOf({ divergence: 0, speed: 1, bytes: 10, scheme: { precision: 'fp32' } });
    const int8 = trialOf({ divergence: 0.01, speed: 1.2, bytes: 3 });
    expect(rankTrials([int8, fp32], ORDER)[0]).toBe(fp32);
  });

  test('is the one of less divergence, however small, whatever its noise', () => {
    const quiet = trialOf({ divergence: 1.2e-4, speed: 0.5, bytes: 5, db: 35.9 });
    const near = trialOf({ divergence: 6e-5, speed: 0.5, bytes: 5, db: 34 });
    expect(rankTrials([quiet, near], ORDER)).toEqual([near]);
    expect(paretoFront([quiet, near])).toEqual([near]);
  });

  test('tells by the scores where probabilities are saturated', () => {
    const worse = trialOf({ divergence: 0, speed: 0.5, bytes: 5, db: 30 });
    const better = trialOf({ divergence: 0, speed: 0.5, bytes: 5, db: 40 });
    expect(rankTrials([worse, better], ORDER)[0]).toBe(better);
  });
});

test('of the equally accurate the faster comes first, and the smaller of those that differ by noise', () => {
  const slow = trialOf({ divergence: 0.1, speed: 0.5, bytes: 10 });
  const large = trialOf({ divergence: 0.1, speed: 0.4, bytes: 30 });
  const small = trialOf({ divergence: 0.1, speed: 0.4004, bytes: 20 });
  const near = trialOf({ divergence: 0.05, speed: 2, bytes: 99 });
  expect(rankByAccuracy([slow, large, small, near])).toEqual([near, small, large, slow]);
});
