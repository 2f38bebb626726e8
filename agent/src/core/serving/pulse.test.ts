import { FlotillaError } from '@flotilla/protocol';
import { describe, expect, test } from 'vitest';
import type { Inference, LoadedModel } from './loaded-model.ts';
import { createPulse } from './pulse.ts';

/** Calls that end when the test says so, at a time that it sets. */
function bed() {
  const time = { nowMs: 0 };
  const pending: PromiseWithResolvers<Inference>[] = [];
  const state = { model: {} as LoadedModel | undefined };
  const pulse = createPulse(
    {
      model: () => state.model,
      infer: () => {
        const call = Promise.withResolvers<Inference>();
        pending.push(call);
        return call.promise;
      },
    },
    { monotonic: () => time.nowMs },
    1000,
  );
  const call = () => {
    const result = pulse.infer('parts', {});
    result.catch(() => undefined);
    return { result, ...pending.at(-1)! };
  };
  return { time, state, pulse, call };
}

const died = () => {
  const cause = new FlotillaError('runtime.died', { reason: 'exit code 1' });
  return new FlotillaError('infer.failed', { slot: 'parts', reason: cause.message }, { cause });
};

describe('pulse', () => {
  test('is well at rest, and while calls end, however many wait', async () => {
    const { time, pulse, call } = bed();
    expect(pulse.unresponsive()).toEqual([]);
    const calls = Array.from({ length: 5 }, call);
    for (const { result, resolve } of calls) {
      time.nowMs += 900;
      expect(pulse.unresponsive()).toEqual([]);
      resolve({} as Inference);
      await result;
    }
    time.nowMs += 5000;
    expect(pulse.unresponsive()).toEqual([]);
  });

  test('misses a slot that ends no call, until it ends one', async () => {
    const { time, pulse, call } = bed();
    const { result, resolve } = call();
    time.nowMs = 1001;
    expect(pulse.unresponsive()).toEqual(['parts']);
    resolve({} as Inference);
    await result;
    expect(pulse.unresponsive()).toEqual([]);
  });

  test('misses a slot whose runtime died, until another model serves', async () => {
    const { state, pulse, call } = bed();
    const { result, reject } = call();
    reject(died());
    await expect(result).rejects.toMatchObject({ code: 'infer.failed' });
    expect(pulse.unresponsive()).toEqual(['parts']);
    state.model = {} as LoadedModel;
    expect(pulse.unresponsive()).toEqual([]);
  });

  test('takes an input that the model refuses for an answer', async () => {
    const { pulse, call } = bed();
    const { result, reject } = call();
    reject(new FlotillaError('infer.failed', { slot: 'parts', reason: 'shape' }));
    await expect(result).rejects.toMatchObject({ code: 'infer.failed' });
    expect(pulse.unresponsive()).toEqual([]);
  });
});
