import { setImmediate } from 'node:timers/promises';
import type { Preprocessed, Tensor } from '@flotilla/model';
import { FlotillaError } from '@flotilla/protocol';
import { describe, expect, test } from 'vitest';
import type { Inference, LoadedModel, RawInputs } from '../serving/loaded-model.ts';
import { createShadowRunner } from './runner.ts';

/** A clock that stands still until the test says so. */
function createTestClock() {
  let nowMs = 0;
  const sleepers = new Set<{ readonly atMs: number; wake(): void }>();
  return {
    monotonic: () => nowMs,
    sleep: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        const wake = () => {
          sleepers.delete(sleeper);
          resolve();
        };
        const sleeper = { atMs: nowMs + ms, wake };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', wake, { once: true });
      }),
    async pass(ms: number) {
      const untilMs = nowMs + ms;
      for (;;) {
        await setImmediate();
        const [next] = [...sleepers].sort((a, b) => a.atMs - b.atMs);
        if (next === undefined || next.atMs > untilMs) break;
        nowMs = Math.max(nowMs, next.atMs);
        next.wake();
      }
      nowMs = untilMs;
    },
  };
}

const tensor = (value: number): Tensor => ({
  type: 'FP32',
  shape: [1],
  data: Float32Array.of(value),
});
const inferenceOf = (runMs = 1): Inference => ({
  installed: installed('a'),
  outputs: {},
  predictions: [{ kind: 'raw', tensors: {} }],
  features: {},
  latencyUs: 1000,
  runMs,
});
const installed = (digest: string) => ({
  deployment: `d-${digest}`,
  attempt: 1,
  digest,
  model: 'parts',
  version: 1,
  precision: '',
});

interface Setting {
  readonly samplePermille?: number;
  readonly busyPermille?: number;
  readonly maxTemperatureC?: number;
  /** What the shadow takes for a run. */
  readonly runMs?: number;
  /** Of the spec's inputs: models that differ in it prepare differently. */
  readonly mean?: number;
  readonly answer?: () => Promise<Inference>;
}

function bed({ runMs = 10, mean = 0, answer, ...setting }: Setting = {}) {
  const clock = createTestClock();
  const told = { compared: 0, failed: 0, skipped: 0, lost: [] as string[], digests: new Set() };
  const seen: (number | bigint | undefined)[] = [];
  const condition = { temperatureC: 40, throttledBy: [] as string[], bytesWritten: 0 };
  const work = { pending: 0 };
  const model = (digest: string, scale: number) =>
    ({
      installed: installed(digest),
      bundle: { spec: { inputs: { x: { kind: 'raw', scale } } } },
      inputs: [{ name: 'x', type: 'FP32', shape: [1] }],
      load: work,
    }) as unknown as LoadedModel;
  const run = async (x: Tensor | Uint8Array | undefined) => {
    await clock.sleep(runMs);
    seen.push(x instanceof Uint8Array ? undefined : x?.data[0]);
    return answer === undefined ? inferenceOf(runMs) : answer();
  };
  const shadow: LoadedModel = {
    ...model('s', mean),
    infer: ({ x }: RawInputs) => run(x),
    inferPrepared: ({ tensors: { x } }: Preprocessed) => run(x && tensor(Number(x.data[0]) + 100)),
  };
  const plan = { samplePermille: 1000, busyPermille: 1000, maxTemperatureC: 0, ...setting };
  const runner = createShadowRunner(
    {
      clock,
      device: { condition: async () => condition },
      recorder: {
        swapped: () => undefined,
        compared: (_shadow, digest) => {
          told.compared++;
          told.digests.add(digest);
        },
        failed: () => void told.failed++,
        skipped: () => void told.skipped++,
      },
      labels: { alsoSaid: () => undefined },
      plan: () => plan,
      lost: ({ code }) => void told.lost.push(code),
    },
    shadow,
  );
  const watch = runner.watch(model('a', 0));
  const input = tensor(0);
  const infer = (value = 1, feeds = input) => {
    feeds.data[0] = value;
    watch({ x: feeds }, { tensors: { x: feeds }, features: {}, placements: [] }, inferenceOf());
    // the buffer is the caller's again
    feeds.data[0] = -1;
  };
  return { clock, told, seen, condition, work, plan, runner, infer };
}

describe('shadow runner', () => {
  test('runs what the active model prepared, from a copy, after the answer', async () => {
    const { clock, told, seen, infer } = bed();
    infer(7);
    expect(seen).toEqual([]);
    await clock.pass(100);
    expect(seen).toEqual([107]);
    expect(told).toMatchObject({ compared: 1, skipped: 0 });
    expect([...told.digests]).toEqual(['a']);
  });

  test('prepares the inputs anew where the two models prepare differently', async () => {
    const { clock, seen, infer } = bed({ mean: 1 });
    infer(7);
    await clock.pass(100);
    expect(seen).toEqual([7]);
  });

  test('lets one wait while it runs, and counts the others as skipped', async () => {
    const { clock, told, infer } = bed({ runMs: 50 });
    infer();
    await clock.pass(10);
    for (let i = 0; i < 5; i++) infer();
    await clock.pass(500);
    expect(told).toMatchObject({ compared: 2, skipped: 4 });
  });

  test('waits while the active model has something to do', async () => {
    const { clock, told, work, infer } = bed();
    work.pending = 1;
    infer();
    await clock.pass(5_000);
    expect(told.compared).toBe(0);
    work.pending = 0;
    await clock.pass(200);
    expect(told.compared).toBe(1);
  });

  test.each([
    [100, 10],
    [500, 50],
    [1000, 100],
  ])('computes at most %i of 1000 of the time', async (busyPermille, most) => {
    const { clock, told, infer } = bed({ busyPermille, runMs: 10 });
    for (let ms = 0; ms < 1000; ms += 5) {
      infer();
      await clock.pass(5);
    }
    expect(told.compared).toBeLessThanOrEqual(most + 1);
    expect(told.compared).toBeGreaterThan(0.7 * most);
  });

  test('rests while the device is too hot or slowed down, and goes on when it is not', async () => {
    const { clock, told, condition, infer } = bed({ maxTemperatureC: 70 });
    condition.temperatureC = 71;
    infer();
    await clock.pass(1000);
    expect(told).toMatchObject({ compared: 0, skipped: 1 });
    condition.temperatureC = 70;
    condition.throttledBy = ['the supply voltage is too low'];
    await clock.pass(6000);
    infer();
    await clock.pass(1000);
    expect(told).toMatchObject({ compared: 0, skipped: 2 });
    condition.throttledBy = [];
    await clock.pass(6000);
    infer();
    await clock.pass(1000);
    expect(told).toMatchObject({ compared: 1, skipped: 2 });
  });

  test('counts an input that it fails on, and goes on', async () => {
    let fails = true;
    const answer = async () => {
      if (fails) throw new FlotillaError('infer.failed', { slot: 'parts', reason: 'it broke' });
      return inferenceOf();
    };
    const { clock, told, infer } = bed({ answer });
    infer();
    await clock.pass(100);
    fails = false;
    infer();
    await clock.pass(100);
    expect(told).toMatchObject({ compared: 1, failed: 1, lost: [] });
  });

  test('is lost when its runtime dies or it never answers', async () => {
    const cause = new FlotillaError('runtime.died', { reason: 'exit code 134' });
    const died = bed({
      answer: () =>
        Promise.reject(new FlotillaError('infer.failed', { slot: 'parts', reason: '' }, { cause })),
    });
    died.infer();
    await died.clock.pass(100);
    expect(died.told).toMatchObject({ failed: 1, lost: ['infer.failed'] });
    const hangs = bed({ answer: () => new Promise(() => undefined) });
    hangs.infer();
    await hangs.clock.pass(59_000);
    expect(hangs.told.lost).toEqual([]);
    await hangs.clock.pass(2_000);
    expect(hangs.told.lost).toEqual(['deployment.hung']);
  });

  test('takes nothing where the server wants no time spent, or after its end', async () => {
    const idle = bed({ busyPermille: 0 });
    idle.infer();
    await idle.clock.pass(100);
    expect(idle.told).toMatchObject({ compared: 0, skipped: 1 });
    const over = bed();
    over.infer();
    over.runner.stop();
    over.infer();
    await over.clock.pass(100);
    expect(over.told).toMatchObject({ compared: 0, skipped: 0 });
  });
});
