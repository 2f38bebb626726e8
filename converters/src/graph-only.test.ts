import { mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readOnnxFile } from './formats/onnx/file.ts';
import { writeOnnx } from './formats/onnx/write.ts';
import { writeOnnxFile } from './formats/onnx/write-file.ts';
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

  it('compares what made-up inputs the model takes', async () => {
    const net = new NetBuilder(1, [3]);
    const row = net.node('Gather', ['input', net.integers(2)]);
    const model = net.output(net.node('Gather', [net.weights([1, 2], 1), row]));
    model.graph.inputs = [tensorInfo('input', 'int64', [3])];
    await writeFile(at('table.onnx'), writeOnnx(model));
    const { check } = await rewriteModel({ modelFile: at('table.onnx'), out: at('t.onnx') });
    expect(check).toMatchObject({ runs: 2, difference: 0 });
    expect(check.notes.join()).toMatch(/some were not compared: it refuses made-up inputs/);
  });

  it('overwrites no file of the model, under whatever name', async () => {
    const modelFile = at('heavy.onnx');
    await writeOnnxFile(smallNet(1), modelFile, { externalAbove: 1024 });
    await rename(`${modelFile}.data`, at('w.onnx.data'));
    await symlink(at('w.onnx.data'), `${modelFile}.data`);
    await symlink(modelFile, at('alias.onnx'));
    for (const out of [
      modelFile,
      join(folder, '.', '.', 'heavy.onnx'),
      at('alias.onnx'),
      at('w.onnx'),
    ]) {
      await expect(rewriteModel({ modelFile, out })).rejects.toThrow(/overwrite the model/);
    }
  });

  it.each([
    ['', /"" is no file/],
    ['.', /is no file/],
    ['none/g.onnx', /lies in no folder: make .*none first/],
    ['net.onnx/g.onnx', /lies in no folder/],
  ])('says before any work that %j cannot be written', async (name, reason) => {
    const out = name && at(name);
    await expect(rewriteModel({ modelFile: at('net.onnx'), out })).rejects.toThrow(reason);
  });

  it('leaves what is there where it fails, and nothing else', async () => {
    const request = { modelFile: at('net.onnx'), out: at('normalized.onnx') };
    const [names, before] = [await readdir(folder), await readFile(request.out)];
    const broken = { ...request, passes: ['magic'] };
    await expect(rewriteModel(broken)).rejects.toMatchObject({ code: 'pass.unknown' });
    await expect(rewriteModel({ ...request, opset: 99 })).rejects.toThrow(
      /opset \(--opset\) must be .*1 to 26/,
    );
    expect(await readdir(folder)).toEqual(names);
    expect(await readFile(request.out)).toEqual(before);
    await rewriteModel(request);
    expect(await readdir(folder)).toEqual(names);
    expect(await readFile(request.out)).not.toEqual(before);
  });
});
