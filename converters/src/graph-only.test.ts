import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readOnnxFile } from './formats/onnx/file.ts';
import { writeOnnx } from './formats/onnx/write.ts';
import { rewriteModel } from './graph-only.ts';
import { tensorInfo } from './ir/graph.ts';
import { FIXTURES } from './passes/fixtures/index.ts';
import { NetBuilder, smallNet } from './testing/small-net.ts';

let folder = '';
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-convert-'));
  await writeFile(at('net.onnx'), writeOnnx(smallNet(1)));
  await writeFile(at('normalized.onnx'), writeOnnx(FIXTURES.normalized!()));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('rewriting a model file', () => {
  it('runs the passes and finds the results equal', async () => {
    const result = await rewriteModel({ modelFile: at('normalized.onnx'), out: at('a.onnx') });
    expect(result.files).toEqual([at('a.onnx')]);
    expect(result.after.nodes).toBeLessThan(result.before.nodes);
    expect(result.after.bytes).toBe((await stat(at('a.onnx'))).size);
    expect(result.opset).toBe(13);
    expect(result.check).toMatchObject({ runs: 3, notes: [] });
    expect(result.check.difference).toBeLessThan(1e-5);
    expect(result.passes.find(({ pass }) => pass === 'conv-batchnorm')?.did).toHaveLength(1);
  });

  it('keeps weights in a file beside it, and the opset asked for', async () => {
    const request = { modelFile: at('net.onnx'), out: at('b.onnx'), opset: 17 };
    const result = await rewriteModel({ ...request, externalData: true });
    expect(result.files).toEqual([at('b.onnx'), at('b.onnx.data')]);
    expect(result.opset).toBe(17);
    expect(result.check.difference).toBeLessThan(1e-5);
  });

  it('cuts a part out', async () => {
    const value = smallNet(1).graph.nodes.find(({ op }) => op === 'Concat')!.outputs[0]!;
    const cut = { outputs: [value] };
    const result = await rewriteModel({ modelFile: at('net.onnx'), out: at('c.onnx'), cut });
    const model = await readOnnxFile(at('c.onnx'));
    expect(model.graph.outputs.map(({ name }) => name)).toEqual([value]);
    expect(result.check.difference).toBeLessThan(1e-5);
  });

  it('finds a size with which a model of open sizes runs', async () => {
    const net = new NetBuilder(1, [1, 3, 8, 8]);
    const model = net.output(net.node('Conv', ['input', net.weights([2, 3, 5, 5], 75)]));
    model.graph.inputs = [tensorInfo('input', 'float32', ['n', 3, 'h', 'w'])];
    await writeFile(at('open.onnx'), writeOnnx(model));
    const result = await rewriteModel({ modelFile: at('open.onnx'), out: at('d.onnx') });
    expect(result.check).toMatchObject({ runs: 3, difference: 0 });
    const fixShape = { input: [1, 3, 9, 9] };
    await rewriteModel({ modelFile: at('open.onnx'), out: at('d.onnx'), fixShape });
    const fixed = await readOnnxFile(at('d.onnx'));
    expect(fixed.graph.inputs[0]?.type).toMatchObject({ shape: [1, 3, 9, 9] });
  });

  it('says where results cannot be compared', async () => {
    const net = new NetBuilder(1, [4]);
    const model = net.output(net.node('Add', ['input', net.node('RandomNormalLike', ['input'])]));
    await writeFile(at('random.onnx'), writeOnnx(model));
    const result = await rewriteModel({ modelFile: at('random.onnx'), out: at('e.onnx') });
    expect(result.check).toMatchObject({ runs: 0, difference: null });
    expect(result.check.notes.join()).toContain('random');
  });

  it('does not overwrite the model, and leaves nothing where it fails', async () => {
    const request = { modelFile: at('net.onnx'), out: at('net.onnx') };
    await expect(rewriteModel(request)).rejects.toMatchObject({ code: 'convert.request-invalid' });
    const broken = { ...request, out: at('f.onnx'), passes: ['magic'] };
    await expect(rewriteModel(broken)).rejects.toMatchObject({ code: 'pass.unknown' });
    expect(await readdir(folder)).not.toContain('f.onnx');
  });
});
