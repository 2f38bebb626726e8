import { ortRuntime } from '@flotilla/model/node';
import { type Draft, isFlotillaError } from '@flotilla/protocol';
import Long from 'long';
import protobuf from 'protobufjs/light.js';
import { describe, expect, it } from 'vitest';
import type { GraphProto } from '../formats/onnx/onnx.gen.ts';
import { readOnnx } from '../formats/onnx/read.ts';
import { encodeModel } from '../formats/onnx/schema.ts';
import { writeOnnx } from '../formats/onnx/write.ts';
import { int, ints } from '../ir/attributes.ts';
import { byteLength } from '../ir/stored.ts';
import { int64Tensor, reshaped } from '../ir/tensor.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { runPasses } from './index.ts';

const long = (value: number | bigint) => Long.fromBigInt(BigInt(value));

function fileOf(graph: Draft<GraphProto>): Uint8Array {
  const opsetImport = [{ version: long(17) }];
  return encodeModel({ irVersion: long(8), opsetImport, graph: { name: 'bad', ...graph } });
}

/** The one line with which reading or passes refuse a file. */
async function refusal(file: Uint8Array): Promise<string> {
  try {
    await runPasses(readOnnx(file, { file: 'bad.onnx' }));
  } catch (error) {
    if (!isFlotillaError(error)) throw error;
    expect(error.code).not.toBe('model.pass-failed');
    expect(error.message).not.toContain('\n');
    return error.message;
  }
  return 'accepted';
}

const tensor = (name: string, ...dims: number[]) => ({
  name,
  type: { tensorType: { elemType: 1, shape: { dim: dims.map((n) => ({ dimValue: long(n) })) } } },
});
const node = (opType: string, name: string, input: string[], output: string[]) => ({
  opType,
  name,
  input,
  output,
});

/** Messages within messages, through fields of these numbers, outermost first. */
function nested(head: readonly number[], again: readonly number[], depth: number): Uint8Array {
  const fields = [...head, ...Array.from({ length: depth }, () => again).flat()];
  return fields.reduceRight<Uint8Array>((bytes, field) => {
    const tag = protobuf.Writer.create().uint32((field << 3) | 2);
    return new Uint8Array(Buffer.concat([tag.uint32(bytes.length).finish(), bytes]));
  }, new Uint8Array());
}

/** A file whose graph ends with these fields. */
function fileEndingIn(fields: Uint8Array): Uint8Array {
  const graph = protobuf.Writer.create()
    .uint32((7 << 3) | 2)
    .bytes(fields)
    .finish();
  return new Uint8Array(Buffer.concat([fileOf({}), graph]));
}

describe('one line names what is wrong', () => {
  it.each<[string, Draft<GraphProto>, RegExp]>([
    [
      'with a circle',
      { node: [node('Relu', 'a', ['q'], ['p']), node('Relu', 'b', ['p'], ['q'])] },
      /graph "bad" .* node "[ab]" \(Relu\) takes "[pq]", which node "[ab]" \(Relu\) makes, which waits for it/,
    ],
    [
      'with a dangling input',
      { node: [node('Relu', 'a', ['w'], ['y'])] },
      /node "a" \(Relu\) takes "w", which nothing makes/,
    ],
    [
      'that makes a value twice',
      {
        input: [tensor('x')],
        node: [node('Relu', 'a', ['x'], ['y']), node('Exp', 'b', ['x'], ['y'])],
      },
      /node "b" \(Exp\) makes "y", which is made already/,
    ],
    [
      'with an attribute twice',
      {
        node: [
          {
            ...node('Relu', 'a', [], ['y']),
            attribute: [0, 1].map(() => ({ name: 'k', type: 2 })),
          },
        ],
      },
      /bad\.onnx .*attribute "k" of node "a" is given twice/,
    ],
    [
      'with dimensions whose product is no number',
      { initializer: [{ name: 't', dataType: 1, dims: [0, 1, 2].map(() => long(2 ** 52)) }] },
      /bad\.onnx .*tensor "t" has 0 bytes, its dimensions need/,
    ],
    [
      'with a dimension beyond every memory',
      { initializer: [{ name: 't', dataType: 1, dims: [long(2n ** 62n)] }] },
      /bad\.onnx .*dimension of tensor "t" is 4611686018427387904/,
    ],
    [
      'with a thousand dimensions',
      { initializer: [{ name: 't', dataType: 1, dims: new Array(1000).fill(long(1)) }] },
      /bad\.onnx .*tensor "t" has 1000 dimensions/,
    ],
    [
      'with an input of a thousand dimensions',
      { input: [tensor('x', ...new Array(1000).fill(1))] },
      /"x" has 1000/,
    ],
    [
      'with a constant of an attribute that is short',
      {
        node: [
          {
            ...node('Constant', 'c', [], ['y']),
            attribute: [{ name: 'value', type: 4, t: { dataType: 1, dims: [long(2)] } }],
          },
        ],
      },
      /attribute "value" of node "c" has 0 bytes/,
    ],
  ] as [string, Draft<GraphProto>, RegExp][])('%s', async (_, graph, message) => {
    expect(await refusal(fileOf(graph))).toMatch(message);
  });
});

it.each([
  ['graphs', [], [1, 5, 6]],
  ['types', [11, 2], [4, 1]],
])('%s nested a thousand deep are refused', async (_, head, again) => {
  expect(await refusal(fileEndingIn(nested(head, again, 1000)))).toMatch(/bad\.onnx .*max depth/);
});

describe('what is odd but has a meaning is taken', () => {
  it.each<[string, Draft<GraphProto>]>([
    [
      'nodes out of order',
      {
        input: [tensor('x', 1)],
        output: [tensor('y', 1)],
        node: [node('Relu', 'b', ['p'], ['y']), node('Exp', 'a', ['x'], ['p'])],
      },
    ],
    [
      'two nodes of one name',
      {
        input: [tensor('x', 1)],
        output: [tensor('y', 1)],
        node: [node('Relu', 'a', ['x'], ['p']), node('Exp', 'a', ['p'], ['y'])],
      },
    ],
    [
      'a negative size of an input',
      {
        input: [tensor('x', -1, 4)],
        output: [tensor('y')],
        node: [node('Relu', 'a', ['x'], ['y'])],
      },
    ],
    [
      'an empty tensor of large dimensions',
      { initializer: [{ name: 't', dataType: 1, dims: [long(0), long(2 ** 40)] }] },
    ],
    [
      'an operator of an unknown domain',
      {
        input: [tensor('x', 1)],
        output: [tensor('y', 1)],
        node: [{ ...node('Odd', 'a', ['x'], ['y']), domain: 'org.example' }],
      },
    ],
  ])('%s', async (_, graph) => {
    expect(await refusal(fileOf(graph))).toBe('accepted');
  });
});

it('a wrong rank is named by ONNX Runtime, and does not stop the passes', async () => {
  const net = new NetBuilder(1, [1, 3, 8, 8]);
  const model = net.output(net.node('Conv', ['input', net.weights([4, 3, 3], 9)]));
  await runPasses(model);
  await expect(ortRuntime().load(writeOnnx(model))).rejects.toThrow(/node_conv_\d/);
});

it('an operator of an unknown domain is kept by the passes, and named by ONNX Runtime', async () => {
  const net = new NetBuilder(1, [1]);
  const model = net.output(net.node('Odd', ['input'], { k: int(1) }));
  model.graph.nodes[0]!.domain = 'org.example';
  model.opsets.set('org.example', 1);
  await runPasses(model);
  expect(model.graph.nodes[0]).toMatchObject({ op: 'Odd', domain: 'org.example' });
  await expect(ortRuntime().load(writeOnnx(model))).rejects.toThrow(/org\.example:Odd/);
});

it('a node without its input is refused where an upgrade needs it', async () => {
  const net = new NetBuilder(1, [1], 9);
  const model = net.output(net.node('Softmax', []));
  await expect(runPasses(model)).rejects.toThrow(/node "node_softmax_0" .*lacks an input/);
});

describe('a constant of terabytes stays a node', () => {
  const list = (net: NetBuilder, values: number[], dims = [values.length]) => {
    const name = `list_${net.model.graph.initializers.size}`;
    net.model.graph.initializers.set(name, reshaped(int64Tensor([values.length], values), dims));
    return name;
  };
  const one = (net: NetBuilder, rank = 1) => net.constant(new Array(rank).fill(1), [1]);

  it.each<[string, (net: NetBuilder) => string]>([
    ['ConstantOfShape', (net) => net.node('ConstantOfShape', [list(net, [1e12])])],
    ['Expand', (net) => net.node('Expand', [one(net), list(net, [1e6, 1e6])])],
    ['Tile', (net) => net.node('Tile', [one(net), list(net, [1e12])])],
    ['Pad', (net) => net.node('Pad', [one(net), list(net, [0, 1e12])])],
    ['Resize', (net) => net.node('Resize', [one(net, 4), '', '', list(net, [1, 1, 1e6, 1e6])])],
    [
      'Range',
      (net) =>
        net.node(
          'Cast',
          [
            net.node(
              'Range',
              [0, 1e12, 1].map((n) => list(net, [n], [])),
            ),
          ],
          { to: int(1) },
        ),
    ],
    [
      'OneHot',
      (net) =>
        net.node('OneHot', [list(net, [1]), list(net, [1e12], []), net.constant([2], [0, 1])]),
    ],
    [
      'Concat of itself, again and again',
      (net) =>
        Array.from({ length: 40 }).reduce<string>(
          (value) => net.node('Concat', new Array(10).fill(value), { axis: int(0) }),
          one(net),
        ),
    ],
    [
      'sums of what two steps made, doubling',
      (net) =>
        Array.from({ length: 45 }).reduce<string>((value) => {
          const [a, b] = [0, 1].map(() => net.node('Concat', [value, one(net)], { axis: int(0) }));
          return net.node('Concat', [a!, b!], { axis: int(0) });
        }, one(net)),
    ],
    [
      'sums of what two different steps made, doubling',
      (net) =>
        Array.from({ length: 45 }).reduce<string>((value) => {
          const a = net.node('Concat', [value, one(net)], { axis: int(0) });
          const b = net.node('Concat', [net.constant([1], [2]), value], { axis: int(0) });
          return net.node('Concat', [a, b], { axis: int(0) });
        }, one(net)),
    ],
    [
      'an outer product',
      (net) =>
        Array.from({ length: 6 }).reduce<string>(
          (value) => {
            const flat = net.node('Reshape', [value, list(net, [-1, 1])]);
            const turned = net.node('Transpose', [flat], { perm: ints([1, 0]) });
            return net.node('MatMul', [flat, turned]);
          },
          net.constant([64], new Array(64).fill(1)),
        ),
    ],
  ])('%s', async (_, make) => {
    const net = new NetBuilder(1, [1]);
    const model = net.output(net.node('Add', [make(net), 'input']));
    const begin = process.cpuUsage();
    await runPasses(model);
    const { user, system } = process.cpuUsage(begin);
    expect((user + system) / 1e6).toBeLessThan(2);
    expect(model.graph.nodes.length).toBeGreaterThan(1);
    const held = [...model.graph.initializers.values()].reduce((sum, t) => sum + byteLength(t), 0);
    expect(held).toBeLessThan(48 << 20);
  });
});
