import { writeOnnx } from '../../formats/onnx/write.ts';
import { float, int, string, tensor } from '../../ir/attributes.ts';
import { NO_EXTRA } from '../../ir/extra.ts';
import { type Model, makeGraph, makeNode, tensorInfo } from '../../ir/graph.ts';
import { float32Tensor, int64Tensor } from '../../ir/tensor.ts';
import { FIXTURES } from '../../passes/fixtures/index.ts';
import { NetBuilder, smallNet } from '../small-net.ts';

/** Sizes that decide how much is computed: what a bomb is made of. */
function sizes(): Model {
  const net = new NetBuilder(5, [2, 3]);
  const filled = net.node('ConstantOfShape', [shape(net, [2, 3])], {
    value: tensor(float32Tensor([1], [1])),
  });
  const tiled = net.node('Tile', [filled, shape(net, [2, 1])]);
  const grown = net.node('Expand', [tiled, shape(net, [2, 4, 3])]);
  const bounds = [0, 24, 2].map((value) => scalar(net, value));
  const range = net.node('Cast', [net.node('Range', bounds)], { to: int(1) });
  const cut = net.node('Slice', [range, ...[[0], [6], [0]].map((list) => shape(net, list))]);
  const padded = net.node('Pad', [net.reshape(cut, [2, 3]), shape(net, [0, 0, 0, 0])]);
  const sum = net.node('Add', [net.node('Add', [grown, padded]), 'input']);
  return net.output(
    net.node('OneHot', [
      net.node('Cast', [sum], { to: int(7) }),
      scalar(net, 3),
      net.constant([2], [0, 1]),
    ]),
  );
}

function shape(net: NetBuilder, values: readonly number[]): string {
  return named(net, `shape_${net.model.graph.initializers.size}`, values, [values.length]);
}

function scalar(net: NetBuilder, value: number): string {
  return named(net, `scalar_${net.model.graph.initializers.size}`, [value], []);
}

function named(net: NetBuilder, name: string, values: readonly number[], dims: readonly number[]) {
  net.model.graph.initializers.set(name, {
    ...int64Tensor([values.length], values),
    dims: [...dims],
  });
  return name;
}

/** An attention block with a dimension known at run time. */
function attention(): Model {
  const net = new NetBuilder(6, [1, 4, 8], 17);
  net.model.graph.inputs = [tensorInfo('input', 'float32', [1, 'length', 8])];
  const [q, k, v] = [0, 1, 2].map(() => net.node('MatMul', ['input', net.weights([8, 8], 8)]));
  const turned = net.node('Transpose', [k!], { perm: { kind: 'ints', value: [0n, 2n, 1n] } });
  const scores = net.node('Mul', [net.node('MatMul', [q!, turned]), net.constant([], [0.35])]);
  const mixed = net.node('MatMul', [net.node('Softmax', [scores], { axis: int(-1) }), v!]);
  const [scale, bias] = [
    net.constant([8], new Array(8).fill(1)),
    net.constant([8], new Array(8).fill(0)),
  ];
  return net.output(
    net.node('LayerNormalization', [net.node('Add', [mixed, 'input']), scale, bias]),
  );
}

/** A loop, a function, and nodes of other domains. */
function rich(): Model {
  const net = new NetBuilder(7, [2, 3], 17);
  const body = makeGraph(
    'body',
    [
      tensorInfo('i', 'int64', []),
      tensorInfo('go', 'bool', []),
      tensorInfo('state', 'float32', [2, 3]),
    ],
    [tensorInfo('on', 'bool', []), tensorInfo('next', 'float32', [2, 3])],
  );
  body.nodes.push(
    makeNode('Identity', 'keep', ['go'], ['on']),
    makeNode('Leaky', 'call', ['state'], ['next'], [['slope', float(0.25)]], 'org.example'),
  );
  const looped = net.node('Loop', [scalar(net, 3), '', 'input'], {
    body: { kind: 'graph', value: body },
  });
  const called = net.node('Leaky', [looped]);
  net.model.graph.nodes.at(-1)!.domain = 'org.example';
  net.model.functions = [leaky()];
  net.model.opsets.set('org.example', 1).set('com.microsoft', 1);
  const gelu = net.node('Gelu', [called], { note: string('kept') });
  net.model.graph.nodes.at(-1)!.domain = 'com.microsoft';
  net.model.metadata.set('license', 'none');
  return net.output(gelu);
}

function leaky(): Model['functions'][number] {
  const alpha = { kind: 'reference', value: { name: 'slope', type: 1 } } as const;
  return {
    domain: 'org.example',
    name: 'Leaky',
    overload: '',
    inputs: ['a'],
    outputs: ['b'],
    attributes: [],
    attributeDefaults: new Map([['slope', float(0.5)]]),
    opsets: new Map([['', 17]]),
    nodes: [makeNode('LeakyRelu', 'n', ['a'], ['b'], [['alpha', alpha]])],
    extra: NO_EXTRA,
  };
}

/** Files of small models that mutations begin with. */
export function seedFiles(): Uint8Array[] {
  const makers = [...Object.values(FIXTURES), () => smallNet(1), sizes, attention, rich];
  return makers.map((make) => writeOnnx(make()));
}
