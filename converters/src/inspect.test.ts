import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeOnnx } from './formats/onnx/write.ts';
import { inspect, inspectModel } from './inspect.ts';
import { makeGraph, makeModel, makeNode, tensorInfo } from './ir/graph.ts';
import { float32Tensor } from './ir/tensor.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-inspect-'));
});
afterAll(() => rm(folder, { recursive: true }));

function model() {
  const inputs = [tensorInfo('x', 'float32', ['batch', 3, null])];
  const graph = makeGraph('g', inputs, [tensorInfo('y', 'uint8', [2])]);
  graph.initializers.set('w', float32Tensor([3], [1, 2, 3]));
  const branch = makeGraph('branch', [], [tensorInfo('z', 'float32')]);
  branch.initializers.set('v', float32Tensor([2], [1, 2]));
  branch.nodes.push(makeNode('Relu', 'inner', ['v'], ['z']));
  graph.nodes.push(
    makeNode('Relu', 'a', ['w'], ['b']),
    makeNode('Fast', 'c', ['x'], ['d'], [], 'org.example'),
    makeNode('If', 'i', ['d'], ['y'], [['then_branch', { kind: 'graph', value: branch }]]),
  );
  return makeModel(graph, 17);
}

it('says what a model file holds, nested graphs included', async () => {
  const file = join(folder, 'model.onnx');
  const bytes = writeOnnx(model());
  await writeFile(file, bytes);
  expect(await inspect(file)).toEqual({
    format: 'onnx',
    opset: 17,
    inputs: [{ name: 'x', type: 'float32', shape: ['batch', 3, -1] }],
    outputs: [{ name: 'y', type: 'uint8', shape: [2] }],
    ops: { If: 1, Relu: 2, 'org.example.Fast': 1 },
    parameters: 5,
    bytes: bytes.length,
  });
});

it('calls a value that is no tensor unknown', () => {
  const graph = makeGraph(
    'g',
    [{ ...tensorInfo('s', 'int8'), type: { kind: 'opaque', value: {} } }],
    [],
  );
  expect(inspectModel(makeModel(graph, 13), 0).inputs).toEqual([
    { name: 's', type: 'unknown', shape: [] },
  ]);
});

it.each([
  [
    'notes.md',
    '# The model\n\nIt tells bolts from nuts.\n',
    /a text file\): give the path of an ONNX/,
  ],
  [
    'model.tflite',
    '\u001c\0\0\0TFL3 and more',
    /TensorFlow Lite model\): export the model as ONNX/,
  ],
])('says what %s is', async (name, text, says) => {
  const file = join(folder, name);
  await writeFile(file, text);
  await expect(inspect(file)).rejects.toThrow(says);
});

it('says that a folder is one', async () => {
  await expect(inspect(folder)).rejects.toThrow(/ is a folder: give the path of the ONNX file in/);
});
