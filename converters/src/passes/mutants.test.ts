import { runLimited } from '@flotilla/model/node';
import { describe, expect, it } from 'vitest';
import type { Outcome, Series } from '../testing/mutations/run-mutants.ts';

const LONG = process.env.FLOTILLA_LONG === '1';
const COUNT = LONG ? 20_000 : 300;
const SEED = 3;

/** Of processor time; a hang is beyond it. */
const MAX_MILLISECONDS = 2000;
const MAX_BYTES = 1 << 30;

/** Goes through a series in a child with limits; a crash shows at the mutant after the last report. */
async function outcomesOf(series: Series): Promise<{ outcomes: Outcome[]; peakBytes: number }> {
  const outcomes: Outcome[] = [];
  try {
    const { peakBytes } = await runLimited<{ peakBytes: number }, Outcome>({
      script: new URL('../testing/mutations/run-mutants.ts', import.meta.url),
      name: `mutants ${series.from} to ${series.to}`,
      input: series,
      memoryBytes: MAX_BYTES,
      timeoutMs: LONG ? 1_200_000 : 60_000,
      onProgress: (outcome) => outcomes.push(outcome),
    });
    return { outcomes, peakBytes };
  } catch (error) {
    const last = outcomes.at(-1)?.index ?? series.from - 1;
    throw new Error(`mutant ${last + 1} of seed ${series.seed} ends the process`, { cause: error });
  }
}

describe('damaged models', { timeout: LONG ? 1_300_000 : 70_000 }, () => {
  it(`${COUNT} of them become a valid result or one of our errors, soon and in little memory`, async () => {
    const { outcomes, peakBytes } = await outcomesOf({ seed: SEED, from: 0, to: COUNT });
    expect(outcomes.filter(({ fault }) => fault !== undefined)).toEqual([]);
    expect(outcomes.filter(({ milliseconds }) => milliseconds > MAX_MILLISECONDS)).toEqual([]);
    expect(peakBytes).toBeLessThan(MAX_BYTES);
    expect(outcomes).toHaveLength(COUNT);
    // Mutants that are all refused, or all taken, try nothing out.
    const written = outcomes.filter(({ end }) => end === 'written').length / COUNT;
    expect(written).toBeGreaterThan(0.1);
    expect(written).toBeLessThan(0.9);
  });
});
