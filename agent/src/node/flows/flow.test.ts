import { setTimeout as sleep } from 'node:timers/promises';
import { FlotillaError } from '@flotilla/protocol';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createFlowBed, type FlowBed, untilFlow } from '../../testing/flow-bed.ts';
import { systemClock } from '../system-clock.ts';
import { startFlow } from './flow.ts';
import type { Ending, Item } from './inlet.ts';
import type { Parcel, Sink } from './sink.ts';
import type { Source, SourceOutput } from './source.ts';

let bed: FlowBed;
beforeAll(async () => {
  bed = await createFlowBed();
});
afterAll(() => bed.close());

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const ports = (agent: FlowBed['agent']) => ({
  ...{ agent, clock: systemClock, random: Math.random, logger: silent, run: 'run' },
});

/** A gray frame whose settling is told. */
function frame(level: number, settled: (ending: Ending) => void): Item {
  return {
    raw: { type: 'UINT8', shape: [8, 8, 3], data: new Uint8Array(192).fill(level) },
    label: `${level}`,
    monotonicMs: systemClock.monotonic(),
    atMs: Date.now(),
    settle: settled,
  };
}

function collector() {
  const parcels: Parcel[] = [];
  const sink: Sink = {
    ...{ label: 'here', batch: 1, gatherMs: 0, room: 100, tries: 1 },
    deliver: async (given) => void parcels.push(...given),
    close: async () => undefined,
  };
  return { sink, records: () => parcels.map(({ json }) => JSON.parse(json)) };
}

/** A source that does what the test says. */
function source(
  lossless: boolean,
  run: (output: SourceOutput, signal: AbortSignal) => Promise<void>,
): Source {
  return { label: 'scripted', room: 1, lossless, run };
}

const config = { name: 'belt', model: 'parts', source: { camera: 'test' }, sinks: [] };

describe('a model that is slower than its camera', () => {
  test('is served the latest frame; the others are dropped, counted and given back', async () => {
    const slow = {
      model: bed.agent.model,
      unresponsive: bed.agent.unresponsive,
      remember: bed.agent.remember,
      infer: async (...call: Parameters<typeof bed.agent.infer>) => {
        await sleep(60);
        return bed.agent.infer(...call);
      },
    };
    const endings: Ending[] = [];
    const { sink, records } = collector();
    const camera = source(false, async ({ emit }, signal) => {
      for (let i = 0; i < 60 && !signal.aborted; i++) {
        await emit(frame(i, (ending) => void endings.push(ending)));
        await sleep(5);
      }
    });
    const flow = startFlow(config, camera, [sink], ports(slow as typeof bed.agent));
    await vi.waitFor(() => expect(flow.status().state).toBe('ended'), { timeout: 20_000 });
    const { items, inferred, dropped, ageMs } = flow.status();
    expect({ items, all: inferred + dropped }).toEqual({ items: 60, all: 60 });
    expect(dropped).toBeGreaterThan(inferred);
    expect(endings).toHaveLength(60);
    // each was the newest when it was taken
    expect(ageMs).toBeLessThan(40);
    await flow.stop();
    const seen = records().map(({ source }) => Number(source));
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(59);
    const { id, prediction } = records()[0] as { id: string; prediction: { index: number } };
    expect(bed.agent.label('parts', id, prediction.index)).toMatchObject({ correct: 1 });
  });

  test('is waited for by a source that must lose nothing', async () => {
    const { sink, records } = collector();
    const files = source(true, async ({ emit }) => {
      for (let i = 0; i < 30; i++) await emit(frame(i, () => undefined));
    });
    const flow = startFlow(config, files, [sink], ports(bed.agent));
    await vi.waitFor(() => expect(flow.status().state).toBe('ended'), { timeout: 20_000 });
    expect(flow.status()).toMatchObject({ items: 30, inferred: 30, dropped: 0 });
    await flow.stop();
    expect(records().map(({ source }) => source)).toEqual(
      Array.from({ length: 30 }, (_, i) => `${i}`),
    );
  });
});

test('the filter holds results back, and they are counted', async () => {
  const { sink, records } = collector();
  const files = source(true, async ({ emit }) => {
    for (let i = 0; i < 5; i++) await emit(frame(50, () => undefined));
  });
  const filtered = { ...config, filter: { changes: true } };
  const flow = startFlow(filtered, files, [sink], ports(bed.agent));
  await vi.waitFor(() => expect(flow.status().state).toBe('ended'));
  await flow.stop();
  expect(flow.status()).toMatchObject({ inferred: 5, filtered: 4 });
  expect(records()).toHaveLength(1);
});

test('what the model refuses is told, and the flow goes on', async () => {
  const endings: Ending[] = [];
  const rows = source(true, async ({ emit }) => {
    const broken = { raw: Buffer.from('no image'), label: 'row 7' };
    await emit({ ...frame(1, (ending) => void endings.push(ending)), ...broken });
    await emit(frame(2, (ending) => void endings.push(ending)));
  });
  const flow = startFlow(config, rows, [], ports(bed.agent));
  await vi.waitFor(() => expect(flow.status().state).toBe('ended'));
  expect(flow.status()).toMatchObject({ inferred: 1, failed: 1 });
  expect(flow.status().error).toMatch(/^scripted, row 7: .*does not decode/);
  expect(endings).toEqual(['failed', 'done']);
  await flow.stop();
});

test('a slot that has too many requests is asked again, and no item is lost', async () => {
  let refusals = 3;
  const busy = {
    model: bed.agent.model,
    unresponsive: bed.agent.unresponsive,
    remember: bed.agent.remember,
    infer: (...call: Parameters<typeof bed.agent.infer>) =>
      refusals-- > 0
        ? Promise.reject(new FlotillaError('infer.busy', { slot: 'parts', waiting: 1 }))
        : bed.agent.infer(...call),
  };
  const files = source(true, async ({ emit }) => emit(frame(1, () => undefined)));
  const flow = startFlow(config, files, [], ports(busy as typeof bed.agent));
  await vi.waitFor(() => expect(flow.status().state).toBe('ended'), { timeout: 5_000 });
  expect(flow.status()).toMatchObject({ inferred: 1, failed: 0 });
  await flow.stop();
});

test('a slot without a model is waited for, and nothing is taken before', async () => {
  const empty = await createFlowBed({ empty: true });
  const yaml =
    'flows: [{ name: rows, model: parts, source: { csv: stdin }, sinks: [{ jsonl: out.jsonl }] }]';
  const flows = await empty.start(yaml);
  await untilFlow(flows, ({ state }) => state === 'waiting');
  empty.stdin.write('a,b\n1,2\n');
  expect(flows.status().flows[0]).toMatchObject({ items: 0, inferred: 0 });
  await empty.deliver();
  // rows are no images: that the model says so is the proof that it was asked
  const { error } = await untilFlow(flows, ({ failed }) => failed === 1);
  expect(error).toContain('csv stdin, row 1: ');
  await empty.close();
});

test('a model of images hears nothing', async () => {
  const flows = await bed.start(
    'flows: [{ name: ear, model: parts, source: { wav: a.wav }, sinks: [{ jsonl: o.jsonl }] }]',
  );
  const { error } = await untilFlow(flows, ({ restarts }) => restarts > 0);
  expect(error).toContain('the model takes image there, and no sound');
  await flows.stop();
});

test('a flow that cannot work leaves others and the agent alone', async () => {
  const flow = (name: string, source: string) =>
    `  - { name: ${name}, model: parts, source: ${source}, sinks: [{ jsonl: "${name}.jsonl" }] }\n`;
  const flows = await bed.start(
    `flows:\n${flow('bad', '{ camera: /dev/nothing }')}${flow('good', '{ csv: stdin }')}`,
  );
  bed.stdin.end('a\n1\n');
  await vi.waitFor(() => {
    const [bad, good] = flows.status().flows;
    expect(bad).toMatchObject({ state: 'restarting', restarts: 1 });
    expect(good).toMatchObject({ state: 'ended', failed: 1 });
  }, 10_000);
  const gray = frame(9, () => undefined).raw;
  expect(await bed.agent.infer('parts', { image: gray })).toBeDefined();
  await flows.stop();
});
