import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ElementType, numbersOf, type Tensor, type TensorInfo } from '@flotilla/model';
import { tfliteRuntime } from '@flotilla/model/node';
import { describe, expect, it } from 'vitest';
import { feedsFor } from './feeds.ts';

const models = process.env.FLOTILLA_MODELS ?? '';

interface Entry {
  readonly path: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly tfjs_tflite_wasm: { readonly runs: boolean };
}

/** All that the manifest has of TFLite. */
const ENTRIES: readonly Entry[] = (
  JSON.parse(readFileSync(join(models, 'MANIFEST.json'), 'utf8')) as {
    entries: (Entry & { format?: string })[];
  }
).entries.filter(({ format }) => format === 'tflite');

const TYPES: Readonly<Record<string, ElementType>> = {
  float32: 'FP32',
  int8: 'INT8',
  uint8: 'UINT8',
  int16: 'INT16',
  int32: 'INT32',
};

/** `name:int8[1,12] scale=… zp=…` */
function declared(text: string): TensorInfo {
  const [, name = '', type = '', shape = ''] = /^(.*):(\w+)\[([^\]]*)\]/.exec(text) ?? [];
  const dimensions = shape === '' ? [] : shape.split(',').map(Number);
  return { name, type: TYPES[type] ?? 'BOOL', shape: dimensions };
}

const load = (path: string) => tfliteRuntime().load(readFileSync(join(models, path)));

describe('TFLite', () => {
  it.each(ENTRIES.filter((entry) => entry.tfjs_tflite_wasm.runs).map(({ path }) => path))(
    'runs %s, with the inputs and outputs that its file declares',
    async (path) => {
      const entry = ENTRIES.find((one) => one.path === path);
      const session = await load(path);
      expect(session.inputs).toEqual(entry?.inputs.map(declared));
      expect(session.outputs).toEqual(entry?.outputs.map(declared));
      const outputs = await session.run(feedsFor(path, session.inputs));
      for (const { name, shape } of session.outputs) {
        expect(outputs[name]?.shape).toEqual(shape);
        expect(numbersOf(outputs[name] as Tensor).every(Number.isFinite)).toBe(true);
      }
      await session.dispose();
    },
  );

  it('hears the words that the model was published with', async () => {
    const folder = join(models, 'data/kws01');
    const session = await load('tflite/kws01_dscnn_int8.tflite');
    let right = 0;
    const files = readdirSync(folder).filter((file) => file.endsWith('.bin'));
    for (const file of files) {
      const data = new Int8Array(readFileSync(join(folder, file)));
      const input: Tensor = { type: 'INT8', shape: [1, 49, 10, 1], data };
      const { Identity } = await session.run({ input_1: input });
      const scores = [...numbersOf(Identity as Tensor)];
      const label = Number(/_(\d+)\.bin$/.exec(file)?.[1]);
      if (scores.indexOf(Math.max(...scores)) === label) right += 1;
    }
    // 90.2 % (MANIFEST.json)
    expect(right / files.length).toBeCloseTo(0.902, 2);
    await session.dispose();
  });
});
