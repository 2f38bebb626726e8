import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSpecFor } from './load-spec.ts';

function spec(name: string, labels?: string): string {
  const extra = labels ? `, labels: ${labels}` : '';
  return `schema: 1\nname: ${name}\ninputs: {x: {raw: {}}}\noutputs: {classification: {tensor: y${extra}}}\n`;
}

describe('loadSpecFor', () => {
  let outer: string;

  beforeAll(async () => {
    outer = await mkdtemp(join(tmpdir(), 'flotilla-spec-'));
  });
  afterAll(() => rm(outer, { recursive: true }));

  async function folder(files: Record<string, string>): Promise<string> {
    const path = await mkdtemp(join(outer, 'case-'));
    for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
    return path;
  }

  it('prefers the spec that is named, then MODEL.yaml, then model.yaml', async () => {
    const path = await folder({
      'a.yaml': spec('a'),
      'model.yaml': spec('model'),
      'other.yml': spec('other'),
    });
    const name = async (model: string, file?: string) =>
      (await loadSpecFor(join(path, model), file && join(path, file))).spec.name;
    expect(await name('a.onnx')).toBe('a');
    expect(await name('b.onnx')).toBe('model');
    expect(await name('a.onnx', 'other.yml')).toBe('other');
  });

  it('reads labels beside the spec or in it', async () => {
    const path = await folder({
      'model.yaml': spec('m', 'labels.txt'),
      'inline.yaml': spec('m', '[cat, dog]'),
      'both.yaml': `${spec('m').trimEnd().slice(0, -1)}, detection: {tensor: d, format: xyxy, labels: [a]}}`,
      'labels.txt': 'cat\r\ndog\n\n',
    });
    const loaded = await loadSpecFor(join(path, 'm.onnx'));
    expect(loaded.labels).toEqual(['cat', 'dog']);
    expect(loaded.labelsBytes).toHaveLength(10);
    expect(new TextDecoder().decode(loaded.bytes)).toContain('labels: labels.txt');
    const inline = await loadSpecFor('m.onnx', join(path, 'inline.yaml'));
    expect(inline).toMatchObject({ labels: ['cat', 'dog'], labelsBytes: undefined });
    const both = await loadSpecFor('m.onnx', join(path, 'both.yaml'));
    expect(both.labels).toEqual(['a']);
  });

  it('says what it looked for', async () => {
    const path = await folder({});
    await expect(loadSpecFor(join(path, 'a.onnx'))).rejects.toMatchObject({
      code: 'spec.not-found',
      message: expect.stringMatching(/a\.yaml or .*model\.yaml/),
    });
    await expect(loadSpecFor(join(path, 'model.onnx'))).rejects.toThrow(
      `no model spec at ${join(path, 'model.yaml')}: write one`,
    );
  });

  it('refuses labels that are missing, empty, or lie elsewhere by a link', async () => {
    const path = await folder({
      'model.yaml': spec('m', 'labels.txt'),
      'empty.yaml': spec('m', 'empty.txt'),
      'linked.yaml': spec('m', 'linked.txt'),
      'empty.txt': '\n\n',
    });
    await symlink('/etc/hostname', join(path, 'linked.txt'));
    const load = (file: string) => loadSpecFor('m.onnx', join(path, file));
    await expect(load('model.yaml')).rejects.toThrow('there is no such file beside model.yaml');
    await expect(load('empty.yaml')).rejects.toThrow('it is empty');
    await expect(load('linked.yaml')).rejects.toThrow('outside the folder of linked.yaml');
  });
});
