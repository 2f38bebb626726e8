import { describe, expect, test } from 'vitest';
import { systemClock } from '../../node/system-clock.ts';
import { createFootprint } from './footprint.ts';
import { guardLoad, type LoadOrder } from './load-guard.ts';
import type { LoadedModel } from './loaded-model.ts';

const installed = {
  deployment: 'd1',
  attempt: 1,
  digest: '',
  model: 'parts',
  version: 2,
  precision: 'int8',
};

/** A load that ends when the test says so. */
function bed(timeoutMs: number) {
  const pending = Promise.withResolvers<LoadedModel>();
  const disposed = Promise.withResolvers<void>();
  const model = { dispose: async () => disposed.resolve() } as LoadedModel;
  const memory = { rss: 0 };
  const footprint = createFootprint(() => memory.rss);
  const load = guardLoad(() => pending.promise, systemClock, footprint, timeoutMs);
  return { ...pending, model, footprint, memory, disposed: disposed.promise, load };
}

describe('a guarded load', () => {
  test('hands on what comes in time, and what fails', async () => {
    const { load, resolve, model, footprint, memory } = bed(60_000);
    resolve(model);
    expect(await load('belt', installed)).toBe(model);
    // a person may load a model into another slot than that of its name
    memory.rss = 7;
    expect(footprint.growth('belt')).toBe(7);
    const broken = bed(60_000);
    broken.reject(new Error('no model'));
    await expect(broken.load('belt', installed)).rejects.toThrow('no model');
    expect(broken.footprint.growth('belt')).toBe(0);
  });

  test('is given up after its time; what comes later is let go', async () => {
    const { load, resolve, model, disposed, footprint } = bed(5);
    await expect(load('belt', installed)).rejects.toMatchObject({
      code: 'deployment.load-timeout',
      message: expect.stringContaining('parts@2'),
    });
    expect(footprint.growth('belt')).toBeUndefined();
    resolve(model);
    await disposed;
    expect(footprint.growth('belt')).toBe(0);
  });

  test('is given up at once when nobody wants it any more', async () => {
    const { load, resolve, model } = bed(60_000);
    const stop = new AbortController();
    const late = Promise.withResolvers<LoadedModel>();
    const order: LoadOrder = { signal: stop.signal, late: late.resolve };
    const loading = load('belt', installed, order);
    stop.abort(new Error('something else is wanted'));
    await expect(loading).rejects.toThrow('something else');
    resolve(model);
    expect(await late.promise).toBe(model);
  });
});
