import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { startThreadEarly, takeThread } from './model-thread.ts';

const taken: { terminate(): Promise<number> }[] = [];
afterEach(async () => {
  await Promise.all(taken.splice(0).map((worker) => worker.terminate()));
});

function take() {
  const worker = takeThread();
  taken.push(worker);
  return worker;
}

test('the first session takes the thread that was started early, the next one a new one', async () => {
  const end = startThreadEarly();
  const first = take();
  const second = take();
  expect(second.threadId).toBeGreaterThan(first.threadId);
  end();
  for (const worker of [first, second]) {
    worker.postMessage({ runtime: { kind: 'onnxruntime' }, model: Uint8Array.of(0) });
    const [answer] = (await once(worker, 'message')) as [{ kind: string }];
    expect(answer.kind).toBe('refused');
  }
});

test('a thread that nobody took is ended, and not given to a session', async () => {
  const end = startThreadEarly();
  end();
  const worker = take();
  worker.postMessage({ runtime: { kind: 'onnxruntime' }, model: Uint8Array.of(0) });
  expect((await once(worker, 'message'))[0]).toMatchObject({ kind: 'refused' });
});
