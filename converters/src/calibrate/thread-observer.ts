import { Worker } from 'node:worker_threads';
import { detached, fromPlain } from '@flotilla/model/threads';
import { FlotillaError } from '@flotilla/protocol';
import type { Observer } from './observer.ts';
import type { FromObserver, ObserverData, ToObserver } from './observer-messages.ts';
import type { Tap } from './taps.ts';

/** A thread makes little garbage: what a large young generation would hold is better free. */
const YOUNG_MIB = 4;

/**
 * An observer on a thread of its own. Elements are counted where the runtime leaves them, and only
 * extremes and, at the end, histograms come back.
 *
 * @param model is handed over: its bytes are gone for the caller
 */
export async function openThreadObserver(
  model: Uint8Array<ArrayBuffer>,
  taps: readonly Tap[],
): Promise<Observer> {
  const worker = new Worker(new URL('./observer-thread.ts', import.meta.url), {
    workerData: { model, taps } satisfies ObserverData,
    transferList: [model.buffer],
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
    execArgv: [],
    name: 'flotilla-observer',
  });
  const ended = Promise.withResolvers<void>();
  const waiting = [Promise.withResolvers<FromObserver>()];
  const [ready] = waiting;
  let over: FlotillaError | undefined;
  const end = (reason: string) => {
    over ??= new FlotillaError('runtime.died', { reason });
    for (const answer of waiting.splice(0)) answer.reject(over);
  };
  worker.on('message', (message: FromObserver) => {
    const answer = waiting.shift();
    if (message.kind === 'failed') answer?.reject(fromPlain(message.error));
    else answer?.resolve(message);
  });
  worker.on('error', (error) => end(error instanceof Error ? error.message : String(error)));
  worker.on('exit', (code) => {
    end(`exit code ${code}`);
    ended.resolve();
  });
  const ask = async (message: ToObserver, buffers: ArrayBuffer[] = []): Promise<FromObserver> => {
    if (over) throw over;
    const answer = Promise.withResolvers<FromObserver>();
    waiting.push(answer);
    worker.postMessage(message, buffers);
    return answer.promise;
  };
  await ready?.promise;
  return {
    async observe(feeds) {
      const { copy, buffers } = detached(feeds);
      const answer = await ask({ kind: 'observe', feeds: copy }, buffers);
      return answer.kind === 'observed' ? answer.extremes : new Float32Array();
    },
    async histograms() {
      const answer = await ask({ kind: 'histograms' });
      return answer.kind === 'histograms' ? answer.histograms : [];
    },
    async dispose() {
      await ask({ kind: 'dispose' }).catch(() => undefined);
      await ended.promise;
    },
  };
}
