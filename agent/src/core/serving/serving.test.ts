import { describe, expect, test } from 'vitest';
import type { Inference, LoadedModel } from './loaded-model.ts';
import { createServing } from './serving.ts';

/** A serving whose pauses end when the test says so, and models whose calls do. */
function bed() {
  const pauses: PromiseWithResolvers<void>[] = [];
  const clock = {
    sleep: () => {
      const pause = Promise.withResolvers<void>();
      pauses.push(pause);
      return pause.promise;
    },
  };
  const told = { failed: 0 };
  const observer = {
    inferred: () => undefined,
    failed: () => void told.failed++,
    swapped: () => undefined,
  };
  const serving = createServing(observer, clock);
  const model = (dispose: () => Promise<void> = async () => undefined) => {
    const calls: PromiseWithResolvers<Inference>[] = [];
    const disposed = { times: 0 };
    const loaded = {
      infer: () => {
        const call = Promise.withResolvers<Inference>();
        calls.push(call);
        return call.promise;
      },
      dispose: () => {
        disposed.times++;
        return dispose();
      },
    } as unknown as LoadedModel;
    return { loaded, calls, disposed };
  };
  const endPauses = () => {
    for (const { resolve } of pauses.splice(0)) resolve();
  };
  return { serving, model, told, endPauses };
}

const inference = { runMs: 1 } as Inference;

describe('serving', () => {
  test('lets calls of a model that was swapped out end, and lets it go then', async () => {
    const { serving, model } = bed();
    const [old, next] = [model(), model()];
    serving.swap('parts', old.loaded);
    const call = serving.infer('parts', {});
    serving.swap('parts', next.loaded);
    expect(old.disposed.times).toBe(0);
    old.calls[0]?.resolve(inference);
    expect(await call).toBe(inference);
    expect(old.disposed.times).toBe(1);
    expect(serving.model('parts')).toBe(next.loaded);
  });

  test('ends calls that a model which was swapped out never answers', async () => {
    const { serving, model, told, endPauses } = bed();
    const hung = model();
    serving.swap('parts', hung.loaded);
    const calls = [serving.infer('parts', {}), serving.infer('parts', {})];
    serving.swap('parts', model().loaded);
    endPauses();
    for (const call of calls) {
      await expect(call).rejects.toMatchObject({
        code: 'infer.failed',
        message: expect.stringContaining('did not answer'),
      });
    }
    expect(told.failed).toBe(2);
    expect(hung.disposed.times).toBe(1);
    expect(serving.tally('parts')).toMatchObject({ inferences: 0, errors: 0 });
  });

  test('does not wait for ever for a model that does not let go', async () => {
    const { serving, model, endPauses } = bed();
    serving.swap('parts', model(() => new Promise(() => undefined)).loaded);
    const closing = serving.close();
    endPauses();
    await closing;
  });
});
