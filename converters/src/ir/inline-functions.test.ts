import { describe, expect, it } from 'vitest';
import { NO_EXTRA } from './extra.ts';
import {
  type Model,
  type ModelFunction,
  makeGraph,
  makeModel,
  makeNode,
  type Node,
  tensorInfo,
} from './graph.ts';
import { inlineFunctions } from './inline-functions.ts';

const DOMAIN = 'org.example';

const call = (op: string, name = 'call'): Node => makeNode(op, name, ['a'], ['b'], [], DOMAIN);

function makeFunction(name: string, nodes: readonly Node[]): ModelFunction {
  return {
    domain: DOMAIN,
    name,
    overload: '',
    inputs: ['a'],
    outputs: ['b'],
    attributes: [],
    attributeDefaults: new Map(),
    opsets: new Map(),
    nodes,
    extra: NO_EXTRA,
  };
}

/** A graph that calls the first of the functions. */
function modelOf(...functions: ModelFunction[]): Model {
  const info = (name: string) => tensorInfo(name, 'float32', [2]);
  const graph = makeGraph('main', [info('a')], [info('b')]);
  graph.nodes = [call(functions[0]!.name)];
  const model = makeModel(graph, 17);
  model.functions = functions;
  return model;
}

/** Each function calls the next, the last has a node of its own. */
function chain(length: number): ModelFunction[] {
  const relu = makeNode('Relu', 'relu', ['a'], ['b']);
  return Array.from({ length }, (_, i) =>
    makeFunction(`F${i}`, [i + 1 < length ? call(`F${i + 1}`) : relu]),
  );
}

const inline = (model: Model) => inlineFunctions(model, () => true);

describe('functions of a file that means no good', () => {
  it('may be nested as deep as exporters do', () => {
    const model = modelOf(...chain(90));
    inline(model);
    expect(model.graph.nodes.map(({ op }) => op)).toEqual(['Relu']);
    expect(model.functions).toEqual([]);
  });

  it.each([
    ['callers first', (functions: ModelFunction[]) => functions],
    ['callees first', (functions: ModelFunction[]) => functions.toReversed()],
  ])('are refused where they are nested deeper: %s', (_, ordered) => {
    const model = modelOf(...chain(20_000));
    model.functions = ordered([...model.functions]);
    expect(() => inline(model)).toThrow(/calls are nested over 100 deep/);
  });

  it('are refused where calls go in a circle', () => {
    expect(() =>
      inline(modelOf(makeFunction('F', [call('G')]), makeFunction('G', [call('F')]))),
    ).toThrow(/function F calls itself/);
  });

  it('stay where the model would grow beyond measure', () => {
    const doubling = Array.from({ length: 40 }, (_, i) =>
      makeFunction(`F${i}`, [call(`F${i + 1}`, 'one'), call(`F${i + 1}`, 'two')]),
    );
    const model = modelOf(...doubling);
    expect(inline(model).declined.join()).toMatch(
      /F0 stays: the model would have 1099511627776 nodes/,
    );
  });

  it('may make very many calls', () => {
    const nodes = Array.from({ length: 300_000 }, () => call('Other'));
    const model = modelOf({ ...makeFunction('F', nodes), opsets: new Map([[DOMAIN, 1]]) });
    model.opsets.set(DOMAIN, 2);
    expect(inline(model).declined.join()).toMatch(/F stays: its Other is that of opset 1/);
  });

  it('do not multiply long names', () => {
    const relu = makeNode('Relu', 'r'.repeat(1e6), ['a'], ['b']);
    const model = modelOf(makeFunction('F', [relu]));
    model.graph.nodes = Array.from({ length: 50 }, (_, i) => call('F', `call${i}`));
    inline(model);
    const names = model.graph.nodes.map(({ name }) => name);
    expect(new Set(names).size).toBe(50);
    expect(Math.max(...names.map(({ length }) => length))).toBeLessThan(600);
  });
});
