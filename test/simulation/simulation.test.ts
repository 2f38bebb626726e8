import { describe, expect, test } from 'vitest';
import { GOOD, THREE_VARIANTS } from './device.ts';
import {
  FAILING,
  falseStopShare,
  inItsOwnWay,
  LESS_SURE,
  measureHalts,
  runSeries,
  SLOWER,
} from './measures.ts';

const LONG = process.env.FLOTILLA_LONG === '1';
const GOOD_RUNS = LONG ? 2000 : 6;
const FAILING_RUNS = LONG ? 500 : 20;
const CHANGED_RUNS = LONG ? 200 : 6;
const LIMIT_MS = LONG ? 3_600_000 : 60_000;

describe('1000 devices on a virtual clock, with the real planner and gates', () => {
  test(
    'a good version is stopped by mistake in at most 10 of 2000 rollouts',
    () => {
      const share = falseStopShare(GOOD_RUNS);
      expect(share).toBeLessThanOrEqual(LONG ? 10 / 2000 : 0);
    },
    LIMIT_MS,
  );

  test(
    'a version that fails on three of ten devices is halted within 60 s and undone',
    () => {
      const halts = measureHalts(FAILING_RUNS);
      expect(halts.secondsP95).toBeLessThanOrEqual(60);
      expect(halts.mostWaves).toBeLessThanOrEqual(2);
      expect(halts.allUndone).toBe(true);
    },
    LIMIT_MS,
  );

  test.each([
    ['1.3 times slower', SLOWER, 'latency'],
    ['less sure by 0.1', LESS_SURE, 'confidence'],
  ] as const)(
    'a version that is %s is caught within two waves',
    (_, version, gate) => {
      const caught = { state: 'rolled-back', haltedBy: gate, undone: true };
      for (const course of runSeries({ runs: CHANGED_RUNS, version })) {
        expect(course).toMatchObject(caught);
        expect(course.waves).toBeLessThanOrEqual(2);
      }
      const courses = runSeries({ runs: CHANGED_RUNS, version: inItsOwnWay(version) });
      const halted = courses.filter(({ state }) => state === 'rolled-back');
      for (const course of halted) expect(course).toMatchObject(caught);
      // the others are held until a person decides
      expect(halted.length).toBeGreaterThanOrEqual(0.8 * courses.length);
      for (const { state, waves } of courses) {
        expect(['rolled-back', 'running']).toContain(state);
        expect(waves).toBeLessThanOrEqual(2);
      }
    },
    LIMIT_MS,
  );

  test(
    'nor is it where each of three variants is judged by itself',
    () => {
      const share = falseStopShare(LONG ? 500 : 2, 1, THREE_VARIANTS);
      expect(share).toBeLessThanOrEqual(LONG ? 2 / 500 : 0);
    },
    LIMIT_MS,
  );

  test(
    'what fails on a rare target only is halted or held, though the mean hardly shows it',
    () => {
      const version = (variant: string) => ({
        ...GOOD,
        failing: variant === 'jetson-orin fp16' ? 0.9 : GOOD.failing,
      });
      const courses = runSeries({ runs: LONG ? 200 : 1, version, variants: THREE_VARIANTS });
      for (const { state, waves, sentence } of courses) {
        expect(['rolled-back', 'running'], 'the latter waits for a person').toContain(state);
        expect(waves).toBeLessThanOrEqual(2);
        if (state === 'rolled-back') expect(sentence).toContain('on jetson-orin fp16: ');
      }
    },
    LIMIT_MS,
  );

  test('the same seed goes the same way', () => {
    const [once, again] = [1, 2].map(() => runSeries({ runs: 1, version: FAILING, devices: 100 }));
    expect(once).toEqual(again);
  });

  test('a version that fails everywhere stops on the first devices of a small fleet', () => {
    const [course] = runSeries({ runs: 1, version: { ...GOOD, failing: 1 }, devices: 12 });
    expect(course).toMatchObject({ state: 'rolled-back', haltedBy: 'activations', waves: 1 });
  });
});
