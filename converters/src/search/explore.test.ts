import { TARGETS } from '@flotilla/targets';
import { describe, expect, test } from 'vitest';
import type { Goal } from '../plan.ts';
import type { Scheme } from '../quantize/scheme.ts';
import type { Work } from '../verify/work.ts';
import { explore, type SearchTools } from './explore.ts';
import { trialOf } from './testing.ts';
import { nameOf, type Trial } from './trial.ts';

const HEAVY = ['a', 'b', 'c', 'd', 'e', 'f'];
const WORK: Work = {
  nodes: HEAVY.map((node) => ({ node, kind: 'conv', operations: 100 })),
  activationBytes: 1,
};
const X86 = TARGETS['x86-64'];
const AUTO: Goal = {
  profile: X86,
  precisions: X86.precisions,
  auto: true,
  settled: undefined,
  refused: [],
};

/** Judges schemes by a formula in place of a model. */
function toolsOf(judge: (scheme: Scheme) => Partial<Parameters<typeof trialOf>[0]> | undefined) {
  const tried: string[] = [];
  const tools: SearchTools = {
    async tryOut(scheme): Promise<Trial | undefined> {
      tried.push(nameOf(scheme, X86.qdq));
      const figures = judge(scheme);
      return figures && trialOf({ divergence: 0.1, speed: 0.5, ...figures, scheme });
    },
    sensitivity: async () =>
      HEAVY.map((node, i) => ({
        node,
        op: 'Conv',
        kl: 1 / (1 + i),
        db: 20,
        divergence: 1 / (1 + i),
      })),
    heavy: HEAVY,
    thin: [],
    measured: false,
    work: WORK,
    fixed: {},
    maxDrop: 0.01,
  };
  return { tools, tried };
}

const isFloat = (scheme: Scheme): boolean => ['fp32', 'fp16'].includes(scheme.precision);

describe('with auto', () => {
  test('a model that int8 does not harm is tried with each calibration method, and no further', async () => {
    const { tools, tried } = toolsOf(() => ({ divergence: 1e-6, db: 50 }));
    await explore(AUTO, tools);
    expect(tried).toEqual([
      'fp32',
      'fp16',
      'int8 min-max',
      'int8 average',
      'int8 percentile',
      'int8 entropy',
      'int8 mse',
    ]);
  });

  test('improvements are kept one by one, as each brings the outputs nearer', async () => {
    const { tools, tried } = toolsOf((scheme) => {
      if (!('method' in scheme)) return { divergence: 0 };
      const base = scheme.method === 'percentile' ? 0.1 : 0.2;
      return { divergence: base * (scheme.biasCorrection ? 0.5 : 1) * (scheme.equalize ? 2 : 1) };
    });
    await explore(AUTO, tools);
    expect(tried.slice(7)).toEqual([
      'int8 percentile, biases corrected',
      'int8 percentile, equalized, biases corrected',
      'int8 percentile, biases corrected, adaptive rounding',
    ]);
  });

  test('nodes go to floating point until the loss is within the budget, and no more than needed', async () => {
    const { tools } = toolsOf((scheme) => {
      if (isFloat(scheme)) return { divergence: 0 };
      const float = 'float' in scheme ? scheme.float.length : 0;
      return { lost: 6 - 2 * float, withinBudget: float >= 3, divergence: 0.1 / (1 + float) };
    });
    const { trials, sensitivity } = await explore(AUTO, tools);
    const mixed = trials.flatMap(({ scheme, withinBudget }) =>
      scheme.precision === 'mixed' ? [{ float: scheme.float, withinBudget }] : [],
    );
    expect(sensitivity).toHaveLength(HEAVY.length);
    expect(mixed.filter(({ withinBudget }) => withinBudget)).toContainEqual({
      float: ['a', 'b', 'c'],
      withinBudget: true,
    });
    expect(mixed.length).toBeLessThanOrEqual(5);
  });

  test('int8 that is slower than fp32 is not improved any further', async () => {
    const { tools, tried } = toolsOf((scheme) => ({ speed: isFloat(scheme) ? 1 : 1.3 }));
    await explore(AUTO, tools);
    expect(tried.at(-1)).toBe('int8 mse');
  });

  test('nodes that the cost table calls slower in int8 are tried in floating point', async () => {
    const depthwise = {
      ...WORK,
      nodes: WORK.nodes.map((node, i) => (i % 2 ? node : { ...node, kind: 'depthwise' as const })),
    };
    const { tools, tried } = toolsOf(() => ({ divergence: 1e-6, db: 50 }));
    await explore(AUTO, { ...tools, work: depthwise });
    expect(tried.at(-1)).toBe('mixed min-max, 3 nodes in float');
  });

  describe('where latency is measured', () => {
    const measured = (speedOfHead: (count: number) => number, gain = 1) => {
      const { tools, tried } = toolsOf((scheme) => {
        if (isFloat(scheme)) return { divergence: 0, speed: 1 };
        const count = 'float' in scheme ? scheme.float.length : 0;
        const divergence = 0.05 * (count > 0 ? gain : 1);
        return { divergence, speed: count === 0 ? 0.5 : speedOfHead(count) };
      });
      return { tools: { ...tools, measured: true, maxDrop: 0.5 }, tried };
    };
    const mixed = (tried: readonly string[]) => tried.filter((name) => name.startsWith('mixed'));

    test('the first products are left in float where that is faster, and then improved', async () => {
      const { tools, tried } = measured((count) => 0.5 - count / 10);
      const { declined } = await explore(AUTO, tools);
      expect(mixed(tried)).toEqual([
        'mixed min-max, 1 node in float',
        'mixed min-max, 2 nodes in float',
        'mixed min-max, biases corrected, 2 nodes in float',
        'mixed min-max, equalized, 2 nodes in float',
        'mixed min-max, adaptive rounding, 2 nodes in float',
      ]);
      expect(declined.every(({ scheme }) => 'float' in scheme && scheme.float.length === 2)).toBe(
        true,
      );
    });

    test('one that is far slower is not followed by another', async () => {
      const { tools, tried } = measured(() => 1);
      await explore(AUTO, tools);
      expect(mixed(tried)).toEqual(['mixed min-max, 1 node in float']);
    });

    test('one that takes the same time must be more accurate', async () => {
      const same = measured(() => 0.5);
      const { declined } = await explore(AUTO, same.tools);
      expect(declined.map(({ scheme }) => scheme.precision)).toContain('mixed');
      expect(same.tried.at(-1)).toBe('int8 min-max, adaptive rounding');
      const nearer = measured(() => 0.5, 0.5);
      await explore(AUTO, nearer.tools);
      expect(nearer.tried.at(-1)).toBe('mixed min-max, adaptive rounding, 1 node in float');
    });
  });

  test('an improvement that only some samples show is declined', async () => {
    const usual = [0.01, 0.02, 0.01, 0.36];
    const { tools, tried } = toolsOf((scheme) => {
      if (!('method' in scheme)) return { divergence: 0 };
      const better = scheme.biasCorrection ? [0.02, 0.03, 0.02, 0.01] : usual;
      const mean = better.reduce((sum, value) => sum + value, 0) / 4;
      return { divergence: mean, bySample: { divergence: better, noise: better } };
    });
    const { declined } = await explore(AUTO, { ...tools, maxDrop: 1 });
    expect(declined.map(({ scheme }) => nameOf(scheme))).toContain(
      'int8 min-max, biases corrected',
    );
    expect(tried.at(-1)).toBe('int8 min-max, adaptive rounding');
  });

  describe('where convolutions have three channels', () => {
    const padded = (speed: number) =>
      toolsOf((scheme) => {
        if (!('method' in scheme)) return { divergence: 0 };
        const gains = scheme.form.padChannels || scheme.float.length > 0;
        return { speed: gains ? speed : 0.5, divergence: 1e-6, db: 50 };
      });
    const explored = async (speed: number, measured: boolean, precisions = AUTO.precisions) => {
      const { tools, tried } = padded(speed);
      const goal = { ...AUTO, precisions, auto: precisions === AUTO.precisions };
      await explore(goal, { ...tools, measured, thin: ['a'] });
      return tried.slice(tried.indexOf('int8 mse') + 1);
    };

    test('channels of zeros are tried, and kept where they are measured to be faster', async () => {
      expect(await explored(0.4, true, ['int8'])).toEqual(['int8 min-max, channels padded']);
      expect(await explored(0.4, false)).toEqual([]);
    });

    test('nothing is padded where the convolution is in float', async () => {
      expect(await explored(0.4, true)).toEqual([
        'int8 min-max, channels padded',
        'mixed min-max, 1 node in float',
        'mixed min-max, 2 nodes in float',
      ]);
    });
  });

  test('precisions of matrix products are tried where there are such products', async () => {
    const products = {
      ...WORK,
      nodes: WORK.nodes.map((node) => ({ ...node, kind: 'matmul' as const })),
    };
    const { tools, tried } = toolsOf(() => ({ divergence: 1e-6, db: 50 }));
    await explore(AUTO, { ...tools, work: products });
    expect(tried).toContain('int8-dynamic');
    expect(tried).toContain('int4 in blocks of 32');
  });
});

describe('with a list', () => {
  const goal: Goal = { ...AUTO, precisions: ['int8'], auto: false };

  test('only what was asked for is tried', async () => {
    const { tools, tried } = toolsOf(() => ({ divergence: 1e-6, db: 50 }));
    await explore(goal, tools);
    expect(tried.every((name) => name.startsWith('int8 '))).toBe(true);
  });

  test('what the request fixes stays so', async () => {
    const { tools, tried } = toolsOf(() => ({}));
    const fixed = { method: 'mse', equalize: false, rounding: 'nearest' } as const;
    await explore(goal, { ...tools, fixed });
    expect(tried).toEqual(['int8 mse', 'int8 mse, biases corrected']);
  });

  test('what cannot be made is left out', async () => {
    const { tools } = toolsOf(() => undefined);
    expect(await explore(goal, tools)).toEqual({
      trials: [],
      declined: [],
      sensitivity: [],
    });
  });
});
