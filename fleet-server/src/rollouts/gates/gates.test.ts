import { describe, expect, it } from 'vitest';
import { GATES, judgeGates } from './index.ts';
import { LATENCY_SLACK_MS } from './latency.ts';
import { emptySide, evidenceOf, tallyOf, VARIANT } from './testing.ts';
import {
  DEFAULT_GATES,
  type DevicePair,
  type Evidence,
  GATE_NAMES,
  type GateName,
  type Side,
} from './types.ts';

/** Inferences with a confidence, predictions and a run time. */
const side = (
  answered: number,
  confidence: number,
  classCounts: number[] = [],
  { errors = 0, ms = 20, ...more }: Partial<Side> & { ms?: number } = {},
): Side => ({
  ...emptySide(),
  inferences: answered + errors,
  errors,
  classCounts,
  confidence: { count: answered, mean: confidence, m2: answered * 0.01 },
  logLatency: { count: answered, mean: Math.log(ms + LATENCY_SLACK_MS), m2: answered * 0.09 },
  ...more,
});

const pair = (candidate: Side, baseline: Side, i = 1, variant = VARIANT): DevicePair => ({
  device: `d${i}`,
  variant,
  candidate,
  baseline,
});

const many = (count: number, make: (i: number) => DevicePair): DevicePair[] =>
  Array.from({ length: count }, (_, i) => make(i));

const judge = (gate: GateName, evidence: Evidence, settings = DEFAULT_GATES) =>
  judgeGates(evidence, settings).find((verdict) => verdict.gate === gate)!;
const judgePairs = (gate: GateName, pairs: DevicePair[]) => judge(gate, evidenceOf(pairs));

describe('the gate of failed activations', () => {
  const verdict = (asked: number, bad: number, membership = 1000) =>
    judge('activations', {
      ...evidenceOf([], { activations: [tallyOf(asked, bad, bad > 0 ? 'self-test.failed' : '')] }),
      membership,
    });

  it('closes on evidence that more devices fail than the limit allows, and says why', () => {
    expect(verdict(50, 12)).toMatchObject({
      state: 'closed',
      sentence:
        '12 of 50 devices failed to activate, most often self-test.failed (24%, at most 5% tolerated, error rate 0.0025): closed',
    });
  });

  it('waits where the evidence points that way, and is open where chance explains it', () => {
    expect(verdict(1, 1)).toMatchObject({
      state: 'waiting',
      sentence:
        '1 of 1 device failed to activate, most often self-test.failed (100%, at most 5% tolerated, error rate 0.0025, evidence 7.6:1 of 400:1): waiting',
    });
    expect(verdict(50, 3).state).toBe('open');
    expect(verdict(0, 0).state).toBe('open');
  });

  it('closes where more have failed than may of the whole membership', () => {
    expect(verdict(2, 1, 4)).toMatchObject({
      state: 'closed',
      sentence:
        '1 of 2 devices failed to activate, most often self-test.failed (50%, at most 5% of all 4 tolerated): closed',
    });
    expect(verdict(1000, 50).state).toBe('open');
  });
});

describe('the gates that count devices', () => {
  it.each<[GateName, string]>([
    ['crashes', '30 of 50 devices keep crashing'],
    ['self-test', '30 of 50 devices came close to the tolerance of the self-test'],
    ['drift', '30 of 50 devices call their inputs drifted with the new version only'],
  ])('%s closes and says what it counted', (gate, seen) => {
    const verdict = judge(gate, evidenceOf([], { [gate]: [tallyOf(50, 30)] }));
    expect(verdict.state).toBe('closed');
    expect(verdict.sentence.startsWith(seen)).toBe(true);
    expect(judge(gate, evidenceOf([], { [gate]: [tallyOf(50, 1)] })).state).toBe('open');
  });
});

describe('the gate of confidence', () => {
  it('closes on a large and certain fall, in one sentence', () => {
    const pairs = [pair(side(184, 0.61), side(400, 0.93))];
    expect(judgePairs('confidence', pairs)).toMatchObject({
      state: 'closed',
      sentence:
        'confidence fell from 0.93 to 0.61 over 184 inferences on 1 device (a fall of 0.05 tolerated, error rate 0.00025): closed',
    });
  });

  it('stays open where the fall is certain but small, and waits where it is large but uncertain', () => {
    const small = many(30, (i) => pair(side(90_000, 0.9), side(90_000, 0.92), i));
    expect(judgePairs('confidence', small).state).toBe('open');
    const alone = [pair(side(100, 0.75), side(100, 0.93))];
    expect(judgePairs('confidence', alone)).toMatchObject({ state: 'waiting' });
  });

  it('waits for inferences of both versions on the same devices', () => {
    const apart = [pair(side(500, 0.5), side(10, 0.9)), pair(side(10, 0.5), side(500, 0.9), 2)];
    expect(judgePairs('confidence', apart)).toMatchObject({
      state: 'waiting',
      sentence: 'not enough evidence: 20 of 50 inferences by both versions on the same devices',
    });
  });

  it('has nothing to judge at a first installation', () => {
    expect(judgePairs('confidence', []).state).toBe('not-applicable');
  });

  it('compares like with like: a shift of work between unlike devices is no fall', () => {
    const pairs = [
      pair(side(100, 0.95), side(9000, 0.95)),
      pair(side(9000, 0.6), side(100, 0.6), 2),
    ];
    expect(judgePairs('confidence', pairs).state).toBe('open');
  });

  it('is not moved by a single device, however wild', () => {
    const fine = many(40, (i) => pair(side(100, 0.9), side(100, 0.9 + (i % 2) * 0.02), i));
    const wild = pair(side(100, 0), side(100, 1), 99);
    expect(judgePairs('confidence', [...fine, wild]).state).toBe('open');
  });
});

describe('the gate of latency', () => {
  it('closes on a third more on a dozen devices, and on several times more on one', () => {
    const slower = many(12, (i) =>
      pair(side(200, 0.9, [], { ms: 26 + (i % 3) }), side(200, 0.9, [], { ms: 20 + (i % 3) }), i),
    );
    const verdict = judgePairs('latency', slower);
    expect(verdict.state).toBe('closed');
    expect(verdict.sentence).toMatch(
      /^latency rose from 21\.0 ms to 27\.0 ms, 1\.\d\d ×, on 12 devices \(at most 1\.10 × tolerated, error rate 0\.00025\): closed$/,
    );
    const alone = [pair(side(200, 0.9, [], { ms: 150 }), side(200, 0.9, [], { ms: 20 }))];
    expect(judgePairs('latency', alone).state).toBe('closed');
  });

  it('does not make much of what tiny models gain or lose', () => {
    const tiny = many(12, (i) =>
      pair(side(200, 0.9, [], { ms: 0.6 }), side(200, 0.9, [], { ms: 0.4 + (i % 3) / 50 }), i),
    );
    expect(judgePairs('latency', tiny).state).toBe('open');
  });

  it('takes the ratio on the same inputs where a shadow runs', () => {
    const shadows = many(12, (i) => ({
      ...pair(side(200, 0.9, [], { ms: 40 }), side(0, 0), i),
      comparison: {
        compared: 200,
        agreed: 199,
        logLatencyRatio: { count: 200, mean: Math.log(1.3) + i / 1000, m2: 200 * 0.01 },
        confidenceChange: { count: 200, mean: 0, m2: 200 * 0.01 },
      },
    }));
    expect(judgePairs('latency', shadows).state).toBe('closed');
    expect(judgePairs('confidence', shadows).state).toBe('open');
  });
});

describe('the gate of memory', () => {
  const MIB = 2 ** 20;
  it('closes on half as much again, and needs figures of both', () => {
    const more = many(12, (i) =>
      pair(
        side(100, 0.9, [], { rssBytes: (600 + i) * MIB }),
        side(100, 0.9, [], { rssBytes: 400 * MIB }),
        i,
      ),
    );
    expect(judgePairs('memory', more)).toMatchObject({ state: 'closed' });
    const unknown = more.map((one) => ({ ...one, baseline: side(100, 0.9) }));
    expect(judgePairs('memory', unknown).state).toBe('not-applicable');
  });
});

describe('the gate of the class mix', () => {
  it('closes where a version sees one class everywhere', () => {
    const pairs = many(3, (i) =>
      pair(side(100, 0.9, [96, 2, 2, 0]), side(100, 0.9, [30, 25, 25, 20]), i),
    );
    const verdict = judgePairs('class-mix', pairs);
    expect(verdict.state).toBe('closed');
    expect(verdict.sentence).toMatch(
      /^class mix moved by 0\.66, class 0 from 30% to 96%, over 300 inferences on 3 devices \(at most 0\.2 tolerated, /,
    );
  });

  it('closes where predictions scatter over many classes', () => {
    const scattered = Array.from({ length: 200 }, () => 1);
    const pairs = many(8, (i) => pair(side(200, 0.9, scattered), side(200, 0.9, [100, 60, 40]), i));
    expect(judgePairs('class-mix', pairs).state).toBe('closed');
  });

  it('stays open for the same mix, and for classes that come and go rarely', () => {
    const same = [pair(side(100, 0.9, [31, 24, 25, 20]), side(100, 0.9, [30, 25, 25, 20]))];
    expect(judgePairs('class-mix', same).state).toBe('open');
    const rare = [pair(side(60, 0.9, [57, 3]), side(60, 0.9, [58, 0, 2]))];
    expect(judgePairs('class-mix', rare).state).toBe('open');
  });
});

describe('the gate of errors', () => {
  it('closes on a version that answers nothing', () => {
    const pairs = [pair(side(0, 0, [], { errors: 80 }), side(200, 0.9, [200]))];
    expect(judgePairs('errors', pairs)).toMatchObject({
      state: 'closed',
      sentence: expect.stringContaining('errors went from 0% to 100%'),
    });
    expect(judgePairs('confidence', pairs).state).toBe('waiting');
  });

  it('stays open while both fail alike', () => {
    const failing = [
      pair(side(95, 0.9, [95], { errors: 5 }), side(190, 0.9, [190], { errors: 10 })),
    ];
    expect(judgePairs('errors', failing).state).toBe('open');
  });
});

describe('the gate of accuracy', () => {
  const labels = (labeled: number, correct: number) => side(500, 0.9, [], { labeled, correct });

  it('closes where fewer answers are right, and asks for labels of both', () => {
    const worse = many(20, (i) => pair(labels(200, 160 + (i % 3)), labels(200, 190), i));
    expect(judgePairs('accuracy', worse)).toMatchObject({ state: 'closed' });
    expect(judgePairs('accuracy', [pair(labels(0, 0), labels(50, 50))]).state).toBe(
      'not-applicable',
    );
    expect(judgePairs('accuracy', [pair(labels(30, 30), labels(50, 50))]).state).toBe('waiting');
    expect(judgePairs('accuracy', [pair(labels(100, 95), labels(100, 95))]).state).toBe('open');
  });
});

describe('the gate of disagreement', () => {
  const shadow = (agreed: number, i = 0): DevicePair => ({
    ...pair(side(200, 0.9), side(0, 0), i),
    comparison: {
      compared: 200,
      agreed,
      logLatencyRatio: { count: 0, mean: 0, m2: 0 },
      confidenceChange: { count: 0, mean: 0, m2: 0 },
    },
  });

  it('closes where a shadow names other classes too often', () => {
    expect(
      judgePairs(
        'disagreement',
        many(10, (i) => shadow(130 + i, i)),
      ),
    ).toMatchObject({
      state: 'closed',
      sentence: expect.stringMatching(/^the shadow disagrees on 32\.7% of 2,000 inferences on 10 /),
    });
    expect(
      judgePairs(
        'disagreement',
        many(10, (i) => shadow(195, i)),
      ).state,
    ).toBe('open');
    expect(judgePairs('disagreement', [pair(side(9, 1), side(9, 1))]).state).toBe('not-applicable');
    expect(judge('disagreement', evidenceOf()).sentence).toContain('no shadow runs');
    expect(judge('disagreement', { ...evidenceOf(), shadow: true })).toMatchObject({
      ...{ state: 'not-applicable' },
      sentence: 'waits for the first comparisons of the shadow with the active model',
    });
  });
});

describe('judging', () => {
  it('leaves out what is disabled, keeps the order, and shares the error rate', () => {
    const all = judgeGates(evidenceOf(), DEFAULT_GATES).map(({ gate }) => gate);
    expect(all).toEqual([...GATE_NAMES]);
    expect(Object.keys(GATES)).toEqual([...GATE_NAMES]);
    const disabled = GATE_NAMES.filter((gate) => gate !== 'activations');
    const [only, ...none] = judgeGates(evidenceOf(), { ...DEFAULT_GATES, disabled });
    expect(only).toMatchObject({ gate: 'activations', numbers: { alpha: DEFAULT_GATES.alpha } });
    expect(none).toEqual([]);
  });

  it('closes on what is bad on one target only, and names it', () => {
    const fine = many(40, (i) => pair(side(100, 0.93), side(100, 0.93), i));
    const bad = many(3, (i) => pair(side(100, 0.6), side(100, 0.93), 50 + i, 'jetson-orin fp16'));
    const evidence = evidenceOf([...fine, ...bad]);
    const closed = judgeGates(evidence, DEFAULT_GATES).filter(({ state }) => state === 'closed');
    expect(closed).toMatchObject([
      {
        gate: 'confidence',
        sentence: expect.stringMatching(
          /^on jetson-orin fp16: confidence fell from 0\.93 to 0\.60 .*error rate 0\.000063\): closed$/,
        ),
      },
    ]);
  });

  it('does not call a rare target a part of the membership', () => {
    const activations = [tallyOf(400, 0), tallyOf(2, 2, 'self-test.failed', 'jetson-orin fp16')];
    const evidence = {
      ...evidenceOf([], { activations }),
      variants: [VARIANT, 'jetson-orin fp16'],
    };
    expect(judge('activations', evidence)).toMatchObject({
      state: 'waiting',
      sentence: expect.stringMatching(/^on jetson-orin fp16: 2 of 2 devices failed/),
    });
  });
});
