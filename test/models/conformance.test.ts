import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readModel, runPasses, writeModel } from '@flotilla/converters';
import { isFlotillaError } from '@flotilla/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';

const archives = join(process.env.FLOTILLA_MODELS ?? '', 'conformance');
let folder = '';
let cases: string[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'flotilla-conformance-'));
  for (const archive of readdirSync(archives).filter((name) => name.endsWith('.tar.gz'))) {
    execFileSync('tar', ['xzf', join(archives, archive), '-C', folder]);
  }
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  cases = names.filter((name) => name.endsWith('.onnx')).sort();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('every case of the ONNX backend suite survives a round trip', async () => {
  expect(cases.length).toBeGreaterThan(1800);
  for (const name of cases) {
    const file = join(folder, name);
    const bytes = writeModel(await readModel(file));
    expect(writeModel(await readModel(file)), name).toEqual(bytes);
  }
});

it('every case goes through the passes, or is refused by name', async () => {
  const refused: string[] = [];
  for (const name of cases) {
    const model = await readModel(join(folder, name));
    try {
      await runPasses(model);
    } catch (error) {
      if (!isFlotillaError(error, 'model.opset-unsupported')) throw error;
      refused.push(error.context.op);
    }
  }
  expect(refused.length).toBeLessThan(cases.length / 100);
});
