import { afterEach, expect, test } from 'vitest';
import { reluModel } from '../testing/tiny-onnx.ts';
import { type EarlyThread, startThreadEarly } from './model-thread.ts';
import { workerRuntime } from './worker-runtime.ts';

const started: EarlyThread[] = [];
afterEach(() => {
  for (const thread of started.splice(0)) thread.end();
});

function startEarly(): EarlyThread {
  const thread = startThreadEarly();
  started.push(thread);
  return thread;
}

test('the first session takes the thread that was started early, and the next one another', async () => {
  const early = startEarly();
  const runtime = workerRuntime(early);
  const first = await runtime.load(reluModel([2]));
  expect(early.take()).toBeUndefined();
  const second = await runtime.load(reluModel([2]));
  early.end();
  for (const session of [first, second]) {
    const x = { type: 'FP32', shape: [2], data: Float32Array.of(-1, 2) } as const;
    expect((await session.run({ x })).y?.data).toEqual(Float32Array.of(0, 2));
    await session.dispose();
  }
});

test('a thread that was ended is not given to a session', async () => {
  const early = startEarly();
  early.end();
  expect(early.take()).toBeUndefined();
  await (await workerRuntime(early).load(reluModel([2]))).dispose();
});
