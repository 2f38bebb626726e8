import type { ElementType, Tensor } from '@flotilla/model';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Agent, Inference, LoadedModel, RawInputs } from '../../core/index.ts';
import { createLabels } from '../../core/labels.ts';
import { createMeter } from '../../core/serving/meter.ts';
import { type LocalServer, serveLocal } from '../http/server.ts';
import { localRoutes } from '../local-routes.ts';

const FLOATS = Float32Array.of(0.25, 0.75);
const installed = {
  deployment: 'd',
  attempt: 1,
  digest: '',
  model: 'parts',
  version: 7,
  precision: 'int8',
};
const model = {
  installed,
  inputs: [{ name: 'image', type: 'FP32', shape: [-1, 3] }],
  outputs: [{ name: 'scores', type: 'FP32', shape: [-1, 2] }],
  maxBatch: 8,
  load: createMeter().load,
  session: { runtime: 'onnxruntime', provider: 'cpu' },
  bundle: {
    config: { runtime: { name: 'onnxruntime' } },
    labels: ['bolt', 'nut'],
    spec: { outputs: { classification: { tensor: 'scores' } } },
  },
} as unknown as LoadedModel;

let asked: RawInputs | undefined;
const labeled = { labels: 0, correct: 0 };

/** An agent with one classifier that remembers what it was asked. */
const agent = {
  ...createLabels({
    labelsOf: () => ({
      classes: ['bolt', 'nut'],
      count(labels, correct) {
        labeled.labels += labels;
        labeled.correct += correct;
      },
    }),
  }),
  slots: ['parts'],
  model: (slot: string) => (slot === 'parts' ? model : undefined),
  async infer(_slot: string, inputs: RawInputs): Promise<Inference> {
    asked = inputs;
    const top = [{ index: 1, label: 'nut', probability: 0.75 }];
    const prediction = {
      kind: 'classification',
      index: 1,
      label: 'nut',
      confidence: 0.75,
    } as const;
    return {
      installed,
      outputs: {
        scores: { type: 'FP32', shape: [1, 2], data: FLOATS },
        ids: { type: 'INT64', shape: [1], data: BigInt64Array.of(2n ** 60n + 1n) },
        flags: { type: 'BOOL', shape: [2], data: Uint8Array.of(1, 0) },
      },
      predictions: [{ ...prediction, top, probabilities: FLOATS }],
      features: {},
      latencyUs: 1234.5,
      runMs: 1,
    };
  },
  status: () => ({
    slots: [
      { slot: 'parts', ready: true, active: { version: 7 } },
      { slot: 'other', ready: false, active: { version: 1 } },
    ],
  }),
} as unknown as Agent;

let server: LocalServer;
let address: string;

beforeAll(async () => {
  server = await serveLocal(localRoutes(agent, 'token'), {
    listen: ['127.0.0.1:0'],
    maxRequestBytes: 4096,
  });
  [address = ''] = server.addresses;
});
afterAll(() => server.close());

const get = (path: string) => fetch(`${address}${path}`);

const post = (body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${address}/v2/models/parts/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body),
  });

/** A JSON head and what follows it, with the header that says where it ends. */
function binaryPost(head: unknown, ...parts: Uint8Array[]) {
  const json = Buffer.from(JSON.stringify(head));
  return post(Buffer.concat([json, ...parts]), {
    'content-type': 'application/octet-stream',
    'inference-header-content-length': String(json.length),
  });
}

const bytesOf = (data: Tensor['data']) =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
const input = (fields: object) => ({
  inputs: [{ name: 'image', shape: [1, 3], datatype: 'FP32', ...fields }],
});

describe('labels', () => {
  const label = async (slot: string, body: unknown) => {
    const response = await fetch(`${address}/v2/models/${slot}/labels`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const idOf = async (fields: object = {}) => {
    const answer = await post({ ...input({ data: [1, 2, 3] }), ...fields });
    return ((await answer.json()) as { id: string }).id;
  };

  test('name an answer by its own id, or by the one that was made', async () => {
    expect(await idOf({ id: 'part-1' })).toBe('part-1');
    expect(await label('parts', { id: 'part-1', label: 'nut' })).toEqual({
      status: 200,
      body: { id: 'part-1', labeled: 1, correct: 1, counted: true },
    });
    const [made, other] = [await idOf(), await idOf({ id: '' })];
    expect(made).toMatch(/^[0-9a-f-]{36}$/);
    expect(other).not.toBe(made);
    expect(await label('parts', { id: made, index: [0] })).toMatchObject({
      body: { correct: 0, counted: true },
    });
    expect(await label('parts', { id: made, label: 'bolt' })).toMatchObject({
      body: { counted: false },
    });
    expect(labeled).toEqual({ labels: 2, correct: 1 });
    expect(await label('parts', { id: made, label: 'nut' })).toMatchObject({
      status: 409,
      body: { code: 'label.given' },
    });
  });

  test.each([
    ['an id that nobody had', 404, { id: 'nobody', label: 'nut' }],
    ['an unknown class', 400, { id: 'part-2', label: 'screw' }],
    ['label and index', 400, { id: 'part-2', label: 'nut', index: 1 }],
    ['neither', 400, { id: 'part-2' }],
    ['no id', 400, { label: 'nut' }],
    ['another field', 400, { id: 'part-2', label: 'nut', labels: [] }],
    ['an index that is none', 400, { id: 'part-2', index: -1 }],
    ['two labels for one sample', 400, { id: 'part-2', label: ['nut', 'nut'] }],
    ['no JSON', 400, '{'],
  ])('with %s are refused', async (_what, status, body) => {
    await idOf({ id: 'part-2' });
    expect(await label('parts', body)).toMatchObject({ status });
    expect((await label('nowhere', { id: 'part-2', index: 1 })).status).toBe(404);
  });
});

describe('Open Inference Protocol v2', () => {
  test('describes the server and its models', async () => {
    expect(await (await get('/v2')).json()).toMatchObject({
      extensions: expect.arrayContaining(['binary_tensor_data']),
    });
    expect(await (await get('/v2/health/live')).json()).toEqual({ live: true });
    expect((await get('/v2/health/ready')).status).toBe(200);
    expect((await get('/v2/models/parts/ready')).status).toBe(200);
    expect((await get('/v2/models/parts/versions/7')).status).toBe(200);
    expect((await get('/v2/models/parts/versions/8')).status).toBe(404);
    expect((await get('/v2/models/other/ready')).status).toBe(404);
    expect(await (await get('/v2/models/parts')).json()).toEqual({
      name: 'parts',
      versions: ['7'],
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'image', datatype: 'FP32', shape: [-1, 3] }],
      outputs: [{ name: 'scores', datatype: 'FP32', shape: [-1, 2] }],
    });
  });

  test('takes and gives tensors as JSON, flat or nested', async () => {
    const response = await post({ id: 'a', ...input({ data: [[0.5, 1, 2]] }) });
    expect(asked).toEqual({
      image: { type: 'FP32', shape: [1, 3], data: Float32Array.of(0.5, 1, 2) },
    });
    const text = await response.text();
    expect(text).toContain('[1152921504606846977]');
    expect(JSON.parse(text)).toEqual({
      model_name: 'parts',
      model_version: '7',
      id: 'a',
      parameters: { latency_us: 1235 },
      outputs: [
        { name: 'scores', datatype: 'FP32', shape: [1, 2], data: [0.25, 0.75] },
        { name: 'ids', datatype: 'INT64', shape: [1], data: [2 ** 60] },
        { name: 'flags', datatype: 'BOOL', shape: [2], data: [true, false] },
        { name: 'class_index', datatype: 'INT32', shape: [1], data: [1] },
        { name: 'confidence', datatype: 'FP32', shape: [1], data: [0.75] },
        { name: 'label', datatype: 'BYTES', shape: [1], data: ['nut'] },
      ],
    });
  });

  test.each([
    ['FP32', Float32Array.of(1, 2, 3)],
    ['FP64', Float64Array.of(1, 2, 3)],
    ['FP16', Uint16Array.of(0x3c00, 0x4000, 0x4200)],
    ['INT64', BigInt64Array.of(1n, 2n, -3n)],
    ['UINT8', Uint8Array.of(1, 2, 3)],
    ['BOOL', Uint8Array.of(1, 0, 1)],
  ] as const)('takes %s in binary, whatever its alignment', async (datatype: ElementType, data) => {
    const bytes = bytesOf(data);
    for (const pad of ['', ' ', '  ']) {
      const parameters = { binary_data_size: bytes.length, pad };
      const response = await binaryPost(input({ datatype, parameters }), bytes);
      expect(response.status).toBe(200);
      expect(asked).toEqual({ image: { type: datatype, shape: [1, 3], data } });
    }
  });

  test('gives outputs in binary where the request wants it', async () => {
    const outputs = [
      { name: 'label', parameters: { binary_data: true } },
      { name: 'scores', parameters: { binary_data: true } },
      { name: 'ids' },
    ];
    const response = await post({ ...input({ data: [0, 0, 0] }), outputs });
    const body = Buffer.from(await response.arrayBuffer());
    const cut = Number(response.headers.get('inference-header-content-length'));
    expect(JSON.parse(body.subarray(0, cut).toString()).outputs).toEqual([
      { name: 'label', datatype: 'BYTES', shape: [1], parameters: { binary_data_size: 7 } },
      { name: 'scores', datatype: 'FP32', shape: [1, 2], parameters: { binary_data_size: 8 } },
      { name: 'ids', datatype: 'INT64', shape: [1], data: [2 ** 60] },
    ]);
    const rest = Buffer.concat([Buffer.from([3, 0, 0, 0]), Buffer.from('nut'), bytesOf(FLOATS)]);
    expect(body.subarray(cut).equals(rest)).toBe(true);
    const all = await post({
      ...input({ data: [0, 0, 0] }),
      parameters: { binary_data_output: true },
    });
    expect(all.headers.get('content-type')).toBe('application/octet-stream');
  });

  test('takes an encoded image as BYTES, in base64 or in binary', async () => {
    const image = Uint8Array.of(137, 80, 78, 71);
    const bytes = { datatype: 'BYTES', shape: [1] };
    await post(input({ ...bytes, data: [Buffer.from(image).toString('base64')] }));
    expect(new Uint8Array(asked?.image as Uint8Array)).toEqual(image);
    const item = Buffer.concat([Buffer.from([4, 0, 0, 0]), image]);
    await binaryPost(input({ ...bytes, parameters: { binary_data_size: 8 } }), item);
    expect(new Uint8Array(asked?.image as Uint8Array)).toEqual(image);
  });

  test.each([
    ['no JSON', Buffer.from('{'), 400],
    ['no inputs', { inputs: [] }, 400],
    ['too few elements', input({ data: [1, 2] }), 400],
    ['text for numbers', input({ data: [1, 2, 'x'] }), 400],
    ['an unknown datatype', input({ datatype: 'BF16', data: [1, 2, 3] }), 400],
    ['no data', input({}), 400],
    ['a shape that overflows', input({ shape: [2 ** 31, 2 ** 31, 2 ** 31], data: [1] }), 400],
    ['binary data that is not there', input({ parameters: { binary_data_size: 12 } }), 400],
    ['a negative size', input({ parameters: { binary_data_size: -1 } }), 400],
    ['a number too large for its type', input({ datatype: 'UINT8', data: [1, 2, 256] }), 400],
    ['a fraction for an integer', input({ datatype: 'INT32', data: [1, 2, 0.5] }), 400],
    ['shared memory', input({ parameters: { shared_memory_region: 'a' } }), 400],
    ['a number that JSON rounds', input({ datatype: 'INT64', data: [1, 2, 2 ** 53] }), 400],
    ['bad base64', input({ datatype: 'BYTES', shape: [1], data: ['%%%'] }), 400],
    [
      'an output that is not there',
      { ...input({ data: [1, 2, 3] }), outputs: [{ name: 'z' }] },
      400,
    ],
    ['more than the limit', input({ data: Array(5000).fill(1) }), 413],
  ])('refuses a request with %s', async (_what, body, status) => {
    const response = await post(body);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: expect.stringMatching(/\S/) });
  });

  test('refuses other paths and slots', async () => {
    expect((await get('/v2/nothing')).status).toBe(404);
    const missing = await fetch(`${address}/v2/models/other/infer`, { method: 'POST' });
    expect(missing.status).toBe(404);
  });

  test('gives the highest elements of an output as texts', async () => {
    const ask = (name: string, classification: unknown) =>
      post({ ...input({ data: [1, 2, 3] }), outputs: [{ name, parameters: { classification } }] });
    const { outputs } = (await (await ask('scores', 1)).json()) as { outputs: unknown[] };
    expect(outputs).toEqual([
      { name: 'scores', datatype: 'BYTES', shape: [1, 1], data: ['0.750000:1:nut'] },
    ]);
    const all = (await (await ask('ids', 9)).json()) as { outputs: unknown[] };
    expect(all.outputs).toMatchObject([{ shape: [1], data: [expect.stringMatching(/:0$/)] }]);
    expect((await ask('scores', 0)).status).toBe(400);
    expect((await ask('label', 1)).status).toBe(400);
  });

  test('lists the models, and tells how to load one', async () => {
    const index = (body?: object) =>
      fetch(`${address}/v2/repository/index`, {
        method: 'POST',
        ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
      }).then((response) => response.json());
    const parts = { name: 'parts', version: '7', state: 'READY', reason: '' };
    expect(await index()).toEqual([parts, expect.objectContaining({ state: 'UNAVAILABLE' })]);
    expect(await index({ ready: true })).toEqual([parts]);
    const load = await fetch(`${address}/v2/repository/models/parts/load`, { method: 'POST' });
    expect(load.status).toBe(400);
    expect(await load.json()).toMatchObject({
      error: expect.stringContaining('flotilla-agent load'),
    });
  });

  test('tells configuration and statistics of a model', async () => {
    expect(await (await get('/v2/models/parts/config')).json()).toMatchObject({
      name: 'parts',
      backend: 'onnxruntime',
      max_batch_size: 8,
      input: [{ name: 'image', data_type: 'TYPE_FP32', dims: [3] }],
      output: [{ name: 'scores', data_type: 'TYPE_FP32', dims: [2] }],
      dynamic_batching: {},
    });
    const empty = { name: 'parts', version: '7', inference_count: 0, execution_count: 0 };
    for (const path of ['/v2/models/parts/stats', '/v2/models/stats']) {
      expect(await (await get(path)).json()).toMatchObject({ model_stats: [empty] });
    }
    expect((await get('/v2/models/parts/versions/8/stats')).status).toBe(404);
  });
});
