import { describe, expect, it } from 'vitest';
import { createDraws, type Draws } from '../../../../test/simulation/draws.ts';
import { meanEvidence, shareEvidence, summarize } from './e-values.ts';

const ALPHA = 0.01;
const NEEDED = -Math.log(ALPHA);

describe('evidence on a share', () => {
  it('ever convinces by mistake as rarely as it says, looked at after every device', () => {
    const random = createDraws(1);
    /** Bad devices of n from which it convinces. */
    const enough = Array.from({ length: 400 }, (_, i) => {
      let bad = 1;
      while (bad <= i + 1 && shareEvidence(bad, i + 1, 0.05) < NEEDED) bad++;
      return bad;
    });
    let mistakes = 0;
    for (let run = 0; run < 4000; run++) {
      let bad = 0;
      const convinced = enough.some((needed) => {
        bad += random.uniform() < 0.05 ? 1 : 0;
        return bad >= needed;
      });
      mistakes += convinced ? 1 : 0;
    }
    expect(mistakes).toBeLessThanOrEqual(4000 * ALPHA);
    expect(mistakes, 'and is not so careful that it would find nothing').toBeGreaterThan(2);
  });

  it.each([
    [3, 3, true],
    [1, 1, false],
    [11, 50, true],
    [3, 50, false],
    [0, 1000, false],
  ])('%i bad ones of %i: %s', (bad, asked, convinces) => {
    expect(shareEvidence(bad, asked, 0.05) >= -Math.log(0.001)).toBe(convinces);
  });

  it('knows no limit above all of them, and none below a failure', () => {
    expect(shareEvidence(5, 5, 1)).toBe(Number.NEGATIVE_INFINITY);
    expect(shareEvidence(1, 2, 0)).toBeGreaterThan(NEEDED);
  });
});

const PRIOR = { spread: 0.3, scale: 0.5, floor: 0.02 };
const LIMIT = Math.log(1.1);

/** Devices of which each changes by `LIMIT` on average: the worst that is tolerated. */
function worstTolerated(
  random: Draws,
  { devices, interaction, noise }: { devices: number; interaction: number; noise: number },
) {
  const effects = Array.from({ length: devices }, () => random.normal(LIMIT, interaction));
  const noises = effects.map(() => 0);
  /** After `rounds` windows each device's estimate is its effect and the mean of its noise. */
  return (rounds: number) => {
    noises.forEach((sum, i) => {
      noises[i] = sum + random.normal(0, noise);
    });
    return effects.map((effect, i) => ({
      change: effect + noises[i]! / rounds,
      sampling: noise ** 2 / rounds,
    }));
  };
}

describe('evidence on a mean over devices', () => {
  it.each([
    { devices: 2, interaction: 0.3, noise: 0.1 },
    { devices: 5, interaction: 0, noise: 0.1 },
    { devices: 5, interaction: 0.28, noise: 0.1 },
    { devices: 50, interaction: 0, noise: 0.1 },
    { devices: 50, interaction: 0.28, noise: 0.05 },
    { devices: 20, interaction: 0.6, noise: 0.1 },
  ])('ever convinces by mistake as rarely as it says, in all of 100 looks: %o', (setting) => {
    const random = createDraws(2);
    let mistakes = 0;
    const runs = 500;
    for (let run = 0; run < runs; run++) {
      const look = worstTolerated(random, setting);
      for (let rounds = 1; rounds <= 100; rounds++) {
        if (meanEvidence(summarize(look(rounds)), LIMIT, PRIOR) < NEEDED) continue;
        mistakes++;
        break;
      }
    }
    expect(mistakes).toBeLessThanOrEqual(runs * ALPHA);
  });

  it('convinces where a version is 1.3 times slower on a canary of 50, not where it is on one', () => {
    const random = createDraws(3);
    const slow = (devices: number, interaction: number) =>
      summarize(
        Array.from({ length: devices }, () => ({
          change: random.normal(Math.log(1.3), interaction),
          sampling: 0.001,
        })),
      );
    expect(meanEvidence(slow(50, 0.1), LIMIT, PRIOR)).toBeGreaterThan(-Math.log(0.0005));
    expect(meanEvidence(slow(1, 0.1), LIMIT, PRIOR)).toBeLessThan(Math.log(5));
  });

  it('convinces on a single device of what no device differs by', () => {
    const evidence = meanEvidence(summarize([{ change: 2, sampling: 0.001 }]), LIMIT, PRIOR);
    expect(evidence).toBeGreaterThan(-Math.log(0.0005));
  });

  it('is nothing on the tolerated side', () => {
    const better = summarize([{ change: -3, sampling: 0 }]);
    expect(meanEvidence(better, LIMIT, PRIOR)).toBe(Number.NEGATIVE_INFINITY);
    expect(meanEvidence(summarize([]), LIMIT, PRIOR)).toBe(Number.NEGATIVE_INFINITY);
  });
});
