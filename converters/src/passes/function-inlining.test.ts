import type { Tensors } from '@flotilla/model';
import { describe, expect, it } from 'vitest';
import { float, int } from '../ir/attributes.ts';
import { NO_EXTRA } from '../ir/extra.ts';
import {
  type Attribute,
  cloneModel,
  type Model,
  type ModelFunction,
  makeGraph,
  makeModel,
  makeNode,
  type Node,
  tensorInfo,
} from '../ir/graph.ts';
import { graphFault } from '../ir/validate.ts';
import { relativeError, runModel } from '../testing/run-model.ts';
import { functionInlining } from './function-inlining.ts';

const DOMAIN = 'org.example';

/** y = f(x), where f is the last of the functions; `call` gives its attributes. */
function modelOf(
  functions: readonly ModelFunction[],
  attributes: Record<string, Attribute> = {},
  inputs: readonly string[] = ['x'],
): Model {
  const info = (name: string) => tensorInfo(name, 'float32', [2, 3]);
  const graph = makeGraph('main', [info('x'), info('z')], [tensorInfo('y', 'float32')]);
  graph.nodes.push(call(functions.at(-1)!.name, inputs, ['y'], attributes));
  const model = makeModel(graph, 17);
  model.opsets.set(DOMAIN, 1);
  model.functions = functions;
  return model;
}

function call(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Record<string, Attribute> = {},
): Node {
  return makeNode(op, `call_${op}`, inputs, outputs, Object.entries(attributes), DOMAIN);
}

function makeFunction(
  name: string,
  inputs: readonly string[],
  outputs: readonly string[],
  nodes: readonly Node[],
  more: Partial<ModelFunction> = {},
): ModelFunction {
  return {
    domain: DOMAIN,
    name,
    overload: '',
    inputs,
    outputs,
    attributes: [],
    attributeDefaults: new Map(),
    opsets: new Map([
      ['', 17],
      [DOMAIN, 1],
    ]),
    nodes,
    extra: NO_EXTRA,
    ...more,
  };
}

const reference = (name: string, type: number): Attribute => ({
  kind: 'reference',
  value: { name, type },
});

async function inline(model: Model) {
  return await functionInlining.run(model, { opset: 13, bytesBefore: 0 });
}

/** Inlines a copy, and holds both against each other in ONNX Runtime. */
async function sameAfterInlining(model: Model): Promise<Model> {
  const inlined = cloneModel(model);
  const { changed } = await inline(inlined);
  expect(changed).toBeGreaterThan(0);
  expect(graphFault(inlined.graph)).toBeUndefined();
  const { feeds, outputs } = await runModel(model, 1);
  expect(relativeError(outputs, await outputsOf(inlined, feeds))).toBe(0);
  return inlined;
}

async function outputsOf(model: Model, feeds: Tensors): Promise<Tensors> {
  return (await runModel(model, feeds)).outputs;
}

const leaky = makeFunction(
  'Leaky',
  ['a'],
  ['b'],
  [
    makeNode('Identity', 'n', ['a'], ['t']),
    makeNode('LeakyRelu', 'm', ['t'], ['b'], [['alpha', reference('slope', 1)]]),
  ],
  { attributeDefaults: new Map([['slope', float(0.5)]]) },
);

describe('a call gives the same as before', () => {
  it('with the attributes of the call, and those of the function', async () => {
    await sameAfterInlining(modelOf([leaky]));
    const model = await sameAfterInlining(modelOf([leaky], { slope: float(0.25) }));
    expect(model.graph.nodes.map(({ op }) => op)).toEqual(['Identity', 'LeakyRelu']);
    expect(model.graph.nodes[1]?.attributes.get('alpha')).toEqual(float(0.25));
    expect(model.functions).toEqual([]);
  });

  it('leaves out an attribute that nobody gives', async () => {
    const bare = { ...leaky, attributes: ['slope'], attributeDefaults: new Map() };
    const model = await sameAfterInlining(modelOf([bare]));
    expect(model.graph.nodes[1]?.attributes.size).toBe(0);
  });

  it('where functions call functions, twice', async () => {
    const pair = makeFunction(
      'Pair',
      ['a'],
      ['c'],
      [
        call('Leaky', ['a'], ['b'], { slope: reference('slope', 1) }),
        { ...call('Leaky', ['b'], ['c']), name: 'again' },
      ],
      { attributes: ['slope'] },
    );
    const model = await sameAfterInlining(modelOf([leaky, pair], { slope: float(0.125) }));
    expect(model.graph.nodes).toHaveLength(4);
  });

  it('with an input left out', async () => {
    const clip = makeFunction(
      'Clip2',
      ['a', 'low', 'high'],
      ['b'],
      [makeNode('Clip', 'n', ['a', 'low', 'high'], ['b'])],
    );
    await sameAfterInlining(modelOf([clip]));
  });

  it('with an input, or one value twice, handed out, which ONNX Runtime does not take as a function', async () => {
    const model = modelOf([makeFunction('Same', ['a', 'b'], ['b'], [])], {}, ['x', 'z']);
    await inline(model);
    const { feeds, outputs } = await runModel(model, 1);
    expect(outputs.y).toEqual(feeds.z);
    const negate = makeNode('Neg', 'n', ['a'], ['b']);
    const twice = modelOf([makeFunction('Twice', ['a'], ['b', 'b'], [negate])]);
    twice.graph.nodes[0]!.outputs = ['y', 'w'];
    twice.graph.outputs.push(tensorInfo('w', 'float32'));
    await inline(twice);
    const both = await outputsOf(twice, feeds);
    expect(both.w).toEqual(both.y);
  });

  it('with branches that take values of the function', async () => {
    const branch = (op: string) => {
      const graph = makeGraph(op, [], [tensorInfo('r', 'float32')]);
      graph.nodes.push(makeNode(op, 'inner', ['t'], ['u']), call('Leaky', ['u'], ['r']));
      return { kind: 'graph', value: graph } as const;
    };
    const choose = makeFunction(
      'Choose',
      ['a'],
      ['b'],
      [
        makeNode('Neg', 'neg', ['a'], ['t']),
        makeNode('Constant', 'one', [], ['c'], [['value_int', reference('which', 2)]]),
        makeNode('Cast', 'bool', ['c'], ['d'], [['to', int(9)]]),
        makeNode(
          'If',
          'if',
          ['d'],
          ['b'],
          [
            ['then_branch', branch('Abs')],
            ['else_branch', branch('Exp')],
          ],
        ),
      ],
      { attributes: ['which'] },
    );
    for (const which of [0, 1])
      await sameAfterInlining(modelOf([leaky, choose], { which: int(which) }));
  });

  it('with operators of an older opset that mean the same', async () => {
    const model = modelOf([{ ...leaky, opsets: new Map([['', 16]]) }]);
    await sameAfterInlining(model);
  });
});

describe('a call stays', () => {
  it('where the function is for another opset', async () => {
    const model = modelOf([{ ...leaky, opsets: new Map([['', 13]]) }]);
    const { changed, declined } = await inline(model);
    expect({ changed, declined }).toEqual({
      changed: 0,
      declined: [
        'function Leaky stays: its Identity is that of opset 13 of ai.onnx, the model is of 17',
      ],
    });
    expect(model.functions).toHaveLength(1);
  });

  it('where the model would grow beyond reason', async () => {
    const level = (i: number) =>
      makeFunction(
        `F${i}`,
        ['a'],
        ['c'],
        [
          { ...call(`F${i - 1}`, ['a'], ['b']), name: 'n' },
          { ...call(`F${i - 1}`, ['b'], ['c']), name: 'm' },
        ],
      );
    const first = makeFunction('F0', ['a'], ['b'], [makeNode('Neg', 'n', ['a'], ['b'])]);
    const levels = Array.from({ length: 60 }, (_, i) => level(i + 1));
    const { changed, declined } = await inline(modelOf([first, ...levels]));
    expect(changed).toBe(0);
    expect(declined?.[0]).toMatch(/would have \d+ nodes/);
  });
});

describe('a call is refused', () => {
  it('where a function calls itself', async () => {
    const [a, b] = ['A', 'B'].map((name, i) =>
      makeFunction(name, ['a'], ['b'], [call(['B', 'A'][i]!, ['a'], ['b'])]),
    );
    await expect(inline(modelOf([a!, b!]))).rejects.toThrow(/function A calls itself/);
  });

  it('where it gives more than the function takes, or the function makes no such output', async () => {
    await expect(inline(modelOf([leaky], {}, ['x', 'z']))).rejects.toThrow(/more inputs/);
    const none = makeFunction('None', ['a'], ['b'], []);
    await expect(inline(modelOf([none]))).rejects.toThrow(/nothing makes the output "b"/);
    const own = makeFunction('Own', ['a'], ['b'], [makeNode('Neg', 'n', ['w'], ['b'])]);
    await expect(inline(modelOf([own]))).rejects.toThrow(/in function Own, node "n".* takes "w"/);
  });
});
