import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GATES, judgeGates } from './index.ts';
import { DEFAULT_GATES, type DevicePair, GATE_NAMES, type Side } from './types.ts';

const side = (answered: number, mean: number, classCounts: number[], errors = 0): Side => ({
  inferences: answered + errors,
  errors,
  confidence: { count: answered, mean, m2: answered * 0.01 },
  classCounts,
});

const pair = (
  candidate: Side,
  baseline: Side,
  device = 'd1',
  variant = 'x86-64 int8',
): DevicePair => ({
  device,
  variant,
  candidate,
  baseline,
});

const judge = (gate: keyof typeof GATES, pairs: DevicePair[], settings = DEFAULT_GATES) =>
  GATES[gate].judge({ activations: { ordered: 0, failed: 0, commonCode: '' }, pairs }, settings);

describe('the gate of failed activations', () => {
  const verdict = (ordered: number, failed: number, commonCode = '') =>
    GATES.activations.judge(
      { activations: { ordered, failed, commonCode }, pairs: [] },
      DEFAULT_GATES,
    );

  it('closes above the limit and says why', () => {
    expect(verdict(10, 2, 'selftest.failed')).toMatchObject({
      state: 'closed',
      sentence:
        '2 of 10 devices failed to activate, most often selftest.failed (20%, limit 10%): closed',
    });
  });

  it('stays open up to the limit and without any failure', () => {
    expect(verdict(10, 1).state).toBe('open');
    expect(verdict(0, 0).state).toBe('open');
  });
});

describe('the gate of confidence', () => {
  it('closes on a large and certain fall, in one sentence', () => {
    const pairs = [pair(side(184, 0.61, []), side(400, 0.93, []))];
    expect(judge('confidence', pairs)).toMatchObject({
      state: 'closed',
      sentence:
        'confidence fell from 0.93 to 0.61 over 184 inferences on 1 device (p < 1e-9, limit 0.05): closed',
    });
  });

  it('stays open where the fall is certain but small, or large but uncertain', () => {
    expect(judge('confidence', [pair(side(90_000, 0.9, []), side(90_000, 0.92, []))]).state).toBe(
      'open',
    );
    const noisy = { ...side(50, 0.8, []), confidence: { count: 50, mean: 0.8, m2: 50 * 0.2 } };
    expect(judge('confidence', [pair(noisy, side(50, 0.88, []))]).state).toBe('open');
  });

  it('waits for inferences of both versions on the same devices', () => {
    const apart = [
      pair(side(500, 0.5, []), side(10, 0.9, [])),
      pair(side(10, 0.5, []), side(500, 0.9, []), 'd2'),
    ];
    expect(judge('confidence', apart)).toMatchObject({
      state: 'waiting',
      sentence: 'not enough evidence: 20 of 50 inferences by both versions on the same devices',
    });
  });

  it('has nothing to judge at a first installation', () => {
    expect(judge('confidence', []).state).toBe('not-applicable');
  });

  it('compares like with like: a shift of work between unlike devices is no fall', () => {
    const easy = { now: side(100, 0.95, []), before: side(9000, 0.95, []) };
    const hard = { now: side(9000, 0.6, []), before: side(100, 0.6, []) };
    const pairs = [pair(easy.now, easy.before), pair(hard.now, hard.before, 'd2')];
    expect(judge('confidence', pairs).state).toBe('open');
  });
});

describe('the gate of the class mix', () => {
  it('closes where a version sees one class everywhere', () => {
    const pairs = [pair(side(100, 0.9, [96, 2, 2, 0]), side(100, 0.9, [30, 25, 25, 20]))];
    const verdict = judge('class-mix', pairs);
    expect(verdict.state).toBe('closed');
    expect(verdict.sentence).toMatch(
      /^class mix moved by 0\.66 over 100 inferences on 1 device \(p < 1e-9, limit 0\.2\): closed$/,
    );
  });

  it('stays open for the same mix, and for classes that come and go rarely', () => {
    const same = [pair(side(100, 0.9, [31, 24, 25, 20]), side(100, 0.9, [30, 25, 25, 20]))];
    expect(judge('class-mix', same).state).toBe('open');
    const rare = [pair(side(60, 0.9, [57, 3]), side(60, 0.9, [58, 0, 2]))];
    expect(judge('class-mix', rare).state).toBe('open');
  });
});

describe('the gate of errors', () => {
  it('closes on a version that answers nothing', () => {
    const pairs = [pair(side(0, 0, [], 80), side(200, 0.9, [200]))];
    expect(judge('errors', pairs)).toMatchObject({
      state: 'closed',
      sentence: expect.stringContaining('errors went from 0% to 100%'),
    });
    expect(judge('confidence', pairs).state).toBe('waiting');
  });

  it('stays open while both fail alike', () => {
    const pairs = [pair(side(95, 0.9, [95], 5), side(190, 0.9, [190], 10))];
    expect(judge('errors', pairs).state).toBe('open');
  });
});

describe('judging', () => {
  it('leaves out what is disabled and keeps the order of the names', () => {
    const evidence = { activations: { ordered: 1, failed: 0, commonCode: '' }, pairs: [] };
    const all = judgeGates(evidence, DEFAULT_GATES).map(({ gate }) => gate);
    expect(all).toEqual([...GATE_NAMES]);
    const some = judgeGates(evidence, { ...DEFAULT_GATES, disabled: ['class-mix', 'errors'] });
    expect(some.map(({ gate }) => gate)).toEqual(['activations', 'confidence']);
  });

  it('closes on what is bad on one target only, and names it', () => {
    const fine = Array.from({ length: 40 }, (_, i) =>
      pair(side(100, 0.93, []), side(100, 0.93, []), `d${i}`),
    );
    const bad = pair(side(100, 0.6, []), side(100, 0.93, []), 'orin', 'jetson-orin fp16');
    const activations = { ordered: 41, failed: 0, commonCode: '' };
    const verdicts = judgeGates({ activations, pairs: [...fine, bad] }, DEFAULT_GATES);
    expect(verdicts.filter(({ state }) => state === 'closed')).toMatchObject([
      {
        gate: 'confidence',
        sentence: expect.stringMatching(
          /^on jetson-orin fp16: confidence fell from 0\.93 to 0\.60 /,
        ),
      },
    ]);
    const whole = judgeGates({ activations, pairs: fine }, DEFAULT_GATES);
    expect(whole.some(({ state }) => state === 'closed')).toBe(false);
  });

  it('rarely closes on two samples of the same mix', () => {
    const draws = fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 60, maxLength: 60 });
    let closed = 0;
    fc.assert(
      fc.property(draws, draws, (a, b) => {
        const counts = (classes: number[]) =>
          Array.from({ length: 8 }, (_, i) => classes.filter((one) => one === i).length);
        const verdict = judge('class-mix', [
          pair(side(60, 0.9, counts(a)), side(60, 0.9, counts(b))),
        ]);
        closed += verdict.state === 'closed' ? 1 : 0;
      }),
      { numRuns: 400, seed: 7, examples: [] },
    );
    expect(closed).toBeLessThan(20);
  });
});
