import type { Draft } from '@flotilla/protocol';
import fc from 'fast-check';
import Long from 'long';
import { describe, expect, it } from 'vitest';
import { int, ints, string, tensor } from '../../ir/attributes.ts';
import { byteSize, DATA_TYPES, type DataType } from '../../ir/dtype.ts';
import { type Model, makeGraph, makeModel, makeNode, tensorInfo } from '../../ir/graph.ts';
import { float32Tensor, fromNumbers, int64Tensor, toNumbers } from '../../ir/tensor.ts';
import { smallNet } from '../../testing/small-net.ts';
import type { GraphProto, ModelProto, TensorProto } from './onnx.gen.ts';
import { readOnnx } from './read.ts';
import { encodeModel } from './schema.ts';
import { writeOnnx } from './write.ts';

const INT64_MAX = 2n ** 63n - 1n;

function read(bytes: Uint8Array): Model {
  return readOnnx(bytes, { file: 'model.onnx' });
}

function reread(model: Model): Model {
  return read(writeOnnx(model));
}

/** A model file with one initializer, in the field of the file that the test chooses. */
function fileWithTensor(proto: Draft<TensorProto>): Uint8Array {
  return encodeModel({
    ...emptyFile(),
    graph: { name: 'g', initializer: [{ name: 't', ...proto }] },
  });
}

function emptyFile(): Draft<ModelProto> {
  return { irVersion: long(8), opsetImport: [{ domain: '', version: long(13) }] };
}

function long(value: number | bigint) {
  return Long.fromBigInt(BigInt(value));
}

describe('a model that is written and read again', () => {
  it('has the same graph, and the same bytes the second time', () => {
    const model = smallNet(3);
    const bytes = writeOnnx(model);
    expect(writeOnnx(read(bytes))).toEqual(bytes);
    expect(reread(model).graph.nodes).toEqual(model.graph.nodes);
  });

  it('keeps 64-bit integers exact', () => {
    const graph = makeGraph('g', [], []);
    graph.initializers.set('big', int64Tensor([2], [INT64_MAX, -INT64_MAX - 1n]));
    const attributes = [
      ['ends', ints([INT64_MAX, -1])],
      ['one', int(-INT64_MAX - 1n)],
    ] as const;
    graph.nodes.push(makeNode('Custom', 'n', ['big'], ['y'], attributes, 'org.example'));
    const { nodes, initializers } = reread(makeModel(graph, 13)).graph;
    expect([...nodes[0]!.attributes]).toEqual(attributes);
    expect(initializers.get('big')).toMatchObject(int64Tensor([2], [INT64_MAX, -INT64_MAX - 1n]));
  });

  it('keeps any attribute, name and constant', () => {
    const attribute = fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: INT64_MAX }).map(int),
      fc.array(fc.bigInt({ min: -(2n ** 63n), max: INT64_MAX })).map(ints),
      fc.string({ unit: 'grapheme' }).map(string),
      fc.float({ noNaN: true }).map((value) => ({ kind: 'float', value }) as const),
      fc.array(fc.float({ noNaN: true })).map((value) => ({ kind: 'floats', value }) as const),
      fc.array(fc.float()).map((values) => tensor(float32Tensor([values.length], values))),
    );
    const name = fc.string({ unit: 'grapheme', minLength: 1 });
    const property = fc.property(name, fc.dictionary(name, attribute), (value, attributes) => {
      const graph = makeGraph(value, [tensorInfo(value, 'float32', [1, 'n', null])], []);
      const node = makeNode(value, value, [value], [`${value}!`], Object.entries(attributes));
      graph.nodes.push(node);
      const again = reread(makeModel(graph, 13)).graph;
      expect(again.inputs).toEqual(graph.inputs);
      expect(again.nodes[0]).toMatchObject({ op: value, name: value, outputs: node.outputs });
      for (const [key, expected] of node.attributes) {
        expect(again.nodes[0]!.attributes.get(key)).toMatchObject(expected);
      }
    });
    fc.assert(property, { numRuns: 50, seed: 7 });
  });

  it('keeps graphs within graphs', () => {
    const branch = makeGraph('branch', [], [tensorInfo('inner', 'float32', [])]);
    branch.initializers.set('inner', float32Tensor([], [2]));
    const graph = makeGraph('g', [tensorInfo('c', 'bool', [])], [tensorInfo('y', 'float32', [])]);
    const attributes = ['then_branch', 'else_branch'].map(
      (key) => [key, { kind: 'graph', value: branch }] as const,
    );
    graph.nodes.push(makeNode('If', 'if', ['c'], ['y'], attributes));
    const again = reread(makeModel(graph, 13)).graph.nodes[0]!.attributes.get('else_branch');
    expect(again?.kind === 'graph' && again.value.outputs).toEqual(branch.outputs);
  });
});

describe('what the IR does not model', () => {
  const file: Draft<ModelProto> = {
    ...emptyFile(),
    producerName: 'exporter',
    metadataProps: [{ key: 'license', value: 'Apache-2.0' }],
    functions: [{ name: 'F', domain: 'org.example', input: ['a'], output: ['b'] }],
    trainingInfo: [
      {
        algorithm: {
          name: 'step',
          node: [{ opType: 'Gradient', domain: 'ai.onnx.preview.training' }],
        },
        updateBinding: [{ key: 'w', value: 'w_new' }],
      },
    ],
    graph: {
      name: 'g',
      docString: 'about the graph',
      sparseInitializer: [
        {
          values: { name: 'sparse', dataType: 1, dims: [long(1)], floatData: [2.5] },
          indices: { dataType: 7, dims: [long(1)], int64Data: [long(3)] },
          dims: [long(9)],
        },
      ],
      node: [
        {
          input: ['x'],
          output: ['y'],
          opType: 'Relu',
          docString: 'about the node',
          metadataProps: [{ key: 'scope', value: 'layer 1' }],
          attribute: [{ name: 'ref', refAttrName: 'alpha', type: 1 }],
        },
      ],
      input: [
        {
          name: 'x',
          docString: 'an image',
          type: {
            denotation: 'IMAGE',
            tensorType: {
              elemType: 1,
              shape: { dim: [{ dimValue: long(2), denotation: 'DATA_BATCH' }] },
            },
          },
        },
        { name: 's', type: { sequenceType: { elemType: { tensorType: { elemType: 7 } } } } },
      ],
      quantizationAnnotation: [
        { tensorName: 'y', quantParameterTensorNames: [{ key: 'SCALE_TENSOR', value: 'k' }] },
      ],
    },
  };

  it('is written as it was read', () => {
    const bytes = encodeModel(file);
    const again = read(writeOnnx(read(bytes)));
    expect(again).toEqual(read(bytes));
    expect(again.metadata.get('license')).toBe('Apache-2.0');
    expect(again.extra.fields.producerName).toBe('exporter');
    expect(again.extra.fields.trainingInfo).toHaveLength(1);
    expect([...again.graph.sparseInitializers.keys()]).toEqual(['sparse']);
    expect(again.graph.extra.fields.quantizationAnnotation).toHaveLength(1);
    expect(again.graph.inputs[0]?.type).toMatchObject({ denotation: 'IMAGE', shape: [2] });
    expect(again.graph.inputs[1]?.type?.kind).toBe('opaque');
    expect(again.graph.nodes[0]?.attributes.get('ref')).toEqual({
      kind: 'reference',
      value: { name: 'alpha', type: 1 },
    });
    expect(again.functions[0]).toMatchObject({ domain: 'org.example', name: 'F', inputs: ['a'] });
  });

  it('includes fields of versions to come', () => {
    const future = Uint8Array.of(0xba, 0x3e, 3, 1, 2, 3);
    const bytes = Uint8Array.from([...encodeModel(file), ...future]);
    const again = writeOnnx(read(bytes));
    expect(again.subarray(-future.length)).toEqual(future);
  });
});

describe('tensors from any field of the file', () => {
  it.each<[DataType, Draft<TensorProto>, number[]]>([
    ['float32', { floatData: [1.5, -2] }, [1.5, -2]],
    ['float64', { doubleData: [1.5, -2] }, [1.5, -2]],
    ['int64', { int64Data: [long(5), long(-6)] }, [5, -6]],
    ['uint64', { uint64Data: [long(5), long(6)] }, [5, 6]],
    ['uint32', { uint64Data: [long(5), long(2 ** 32 - 1)] }, [5, 2 ** 32 - 1]],
    ['int32', { int32Data: [5, -6] }, [5, -6]],
    ['int8', { int32Data: [5, -6] }, [5, -6]],
    ['uint8', { int32Data: [5, 250] }, [5, 250]],
    ['int16', { int32Data: [5, -600] }, [5, -600]],
    ['uint16', { int32Data: [5, 60_000] }, [5, 60_000]],
    ['bool', { int32Data: [1, 0] }, [1, 0]],
    ['float16', { int32Data: [0x3c00, 0xc000] }, [1, -2]],
    ['bfloat16', { int32Data: [0x3f80, 0xc000] }, [1, -2]],
  ])('%s', (dtype, fields, values) => {
    const proto = { dataType: DATA_TYPES[dtype].code, dims: [long(2)], ...fields };
    const value = read(fileWithTensor(proto)).graph.initializers.get('t')!;
    expect(Array.from(toNumbers(value))).toEqual(values);
    expect(value).toMatchObject(fromNumbers(dtype, [2], values));
  });

  it('reads elements of half a byte, two to an entry', () => {
    const proto = { dataType: DATA_TYPES.int4.code, dims: [long(3)], int32Data: [0x21, 0x0f] };
    const value = read(fileWithTensor(proto)).graph.initializers.get('t')!;
    expect([...value.bytes]).toEqual([0x21, 0x0f]);
  });

  it('reads strings', () => {
    const stringData = ['a', 'ü'].map((text) => new TextEncoder().encode(text));
    const proto = { dataType: DATA_TYPES.string.code, dims: [long(2)], stringData };
    const model = read(fileWithTensor(proto));
    expect(reread(model).graph.initializers.get('t')?.strings).toEqual(stringData);
  });

  it('does not copy raw data', () => {
    const bytes = fileWithTensor({ dataType: 2, dims: [long(3)], rawData: Uint8Array.of(7, 8, 9) });
    expect(read(bytes).graph.initializers.get('t')?.bytes.buffer).toBe(bytes.buffer);
  });
});

describe('raw data of every type', () => {
  it.each(Object.keys(DATA_TYPES).filter((name) => name !== 'string') as DataType[])(
    '%s',
    (dtype) => {
      const dims = [3, 5];
      const rawData = Uint8Array.from({ length: byteSize(dtype, 15) }, (_, i) => i + 1);
      const dataType = DATA_TYPES[dtype].code;
      const model = read(fileWithTensor({ dataType, dims: dims.map(long), rawData }));
      expect(reread(model).graph.initializers.get('t')).toMatchObject({
        dtype,
        dims,
        bytes: rawData,
      });
    },
  );
});

it('keeps inputs that have a default, beside those that have none', () => {
  const bytes = encodeModel({
    ...emptyFile(),
    graph: {
      name: 'g',
      input: [{ name: 'w', docString: 'a default' }, { name: 'x' }],
      initializer: [{ name: 'w', dataType: 2, dims: [long(1)], rawData: Uint8Array.of(1) }],
    },
  });
  const model = read(bytes);
  expect(model.graph.inputs.map((input) => input.name)).toEqual(['x']);
  expect([...reread(model).defaults]).toEqual([...model.defaults]);
  expect(model.defaults.get('w')?.extra.fields.docString).toBe('a default');
  model.graph.initializers.delete('w');
  expect(reread(model).defaults.size).toBe(0);
});

it('keeps the inputs of nested graphs, which are fed by position', () => {
  const body: Draft<GraphProto> = {
    name: 'body',
    input: ['i', 'go', 'state'].map((name) => ({ name })),
    output: [{ name: 'go' }, { name: 'state' }],
    initializer: [{ name: 'go', dataType: 9, dims: [], rawData: Uint8Array.of(1) }],
  };
  const attribute = [{ name: 'body', type: 5 as const, g: body }];
  const node = [{ opType: 'Loop', input: ['n'], output: ['y'], attribute }];
  const again = reread(read(encodeModel({ ...emptyFile(), graph: { name: 'g', node } })));
  const kept = again.graph.nodes[0]?.attributes.get('body');
  const inputs = kept?.kind === 'graph' ? kept.value.inputs.map(({ name }) => name) : [];
  expect(inputs).toEqual(['i', 'go', 'state']);
});

it('takes initializers that old files repeat as inputs for constants', () => {
  const bytes = encodeModel({
    ...emptyFile(),
    irVersion: long(3),
    graph: {
      name: 'g',
      input: [{ name: 'x' }, { name: 't' }],
      initializer: [{ name: 't', dataType: 2, dims: [long(1)], rawData: Uint8Array.of(1) }],
    },
  });
  const model = read(bytes);
  expect(model.graph.inputs.map((input) => input.name)).toEqual(['x']);
  expect(reread(model).irVersion).toBe(4);
});

it('gives nodes names of their own', () => {
  const node = (name: string) => ({ opType: 'Relu', name });
  const nodes = [node(''), node('a'), node('a'), node('Relu_0'), node('')];
  const bytes = encodeModel({ ...emptyFile(), graph: { name: 'g', node: nodes } });
  const names = read(bytes).graph.nodes.map((each) => each.name);
  expect(new Set(names).size).toBe(nodes.length);
  expect(names[1]).toBe('a');
});
