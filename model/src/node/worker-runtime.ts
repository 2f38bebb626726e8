import type { Worker } from 'node:worker_threads';
import { FlotillaError } from '@flotilla/protocol';
import type { Runtime, Session } from '../runtime.ts';
import type { Tensors } from '../tensor.ts';
import { checkFeeds } from '../tensors.ts';
import { type EarlyThread, startModelThread } from './model-thread.ts';
import { ortRuntime } from './ort-runtime.ts';
import { fromPlain } from './plain-error.ts';
import { createSpareBuffers } from './spare-buffers.ts';
import {
  type FromThread,
  flatten,
  type LoadOrder,
  type Ran,
  type RuntimeSpec,
  type SessionFacts,
  type ToThread,
  unflatten,
} from './thread-messages.ts';

/**
 * ONNX Runtime as it comes with Node's package, with one thread for each session.
 *
 * @param early for the first session
 */
export function workerRuntime(early?: EarlyThread): Runtime {
  return onThreads(ortRuntime(), { kind: 'onnxruntime' }, early);
}

/**
 * A runtime with one thread for each session, so that a run never blocks the event loop.
 * A thread keeps the process alive until its session is disposed. A native abort still ends the
 * whole process: what is untrusted runs first under `runLimited`.
 */
export function onThreads(
  facts: Omit<Runtime, 'load'>,
  spec: RuntimeSpec,
  early?: EarlyThread,
): Runtime {
  return {
    ...facts,
    load: (model, options) =>
      loadOnThread(early?.take() ?? startModelThread(), { runtime: spec, model, options }),
  };
}

async function loadOnThread(worker: Worker, order: LoadOrder): Promise<Session> {
  const thread = giveOrder(worker, order);
  const facts = await thread.loaded;
  return {
    ...facts,
    async run(feeds) {
      checkFeeds(feeds, facts.inputs);
      return thread.run(feeds);
    },
    dispose: thread.dispose,
  };
}

interface SessionThread {
  readonly loaded: Promise<SessionFacts>;
  run(feeds: Tensors): Promise<Tensors>;
  dispose(): Promise<void>;
}

function giveOrder(worker: Worker, { model, ...rest }: LoadOrder): SessionThread {
  const own = typeof model === 'string' ? model : new Uint8Array(model);
  const loaded = Promise.withResolvers<SessionFacts>();
  const pending = new Map<number, PromiseWithResolvers<Tensors>>();
  const spare = createSpareBuffers();
  const ended = Promise.withResolvers<void>();
  let over: FlotillaError | undefined;
  let lastId = 0;
  const end = (reason: string) => {
    over ??= new FlotillaError('runtime.died', { reason });
    loaded.reject(over);
    for (const run of pending.values()) run.reject(over);
    pending.clear();
  };
  worker.on('message', (message: FromThread) => {
    if (isRan(message)) {
      const [id, spent, ...outputs] = message;
      spare.give(spent);
      pending.get(id)?.resolve(unflatten(outputs));
      pending.delete(id);
    } else {
      settle(message, loaded, pending);
    }
  });
  worker.postMessage(
    { ...rest, model: own } satisfies ToThread,
    typeof own === 'string' ? [] : [own.buffer],
  );
  worker.on('error', (error) => end(error instanceof Error ? error.message : String(error)));
  worker.on('exit', (code) => {
    end(`exit code ${code}`);
    ended.resolve();
  });
  return {
    loaded: loaded.promise,
    run(feeds) {
      if (over) return Promise.reject(over);
      const run = Promise.withResolvers<Tensors>();
      const id = ++lastId;
      pending.set(id, run);
      const { flat, buffers } = flatten(feeds, spare);
      worker.postMessage([id, ...flat] satisfies ToThread, buffers);
      return run.promise;
    },
    async dispose() {
      over ??= new FlotillaError('runtime.died', { reason: 'it was disposed' });
      worker.postMessage('dispose' satisfies ToThread);
      await ended.promise;
    },
  };
}

const isRan = (message: FromThread): message is Ran => Array.isArray(message);

function settle(
  message: Exclude<FromThread, Ran>,
  loaded: PromiseWithResolvers<SessionFacts>,
  pending: Map<number, PromiseWithResolvers<Tensors>>,
): void {
  switch (message.kind) {
    case 'loaded':
      loaded.resolve(message.facts);
      return;
    case 'refused':
      loaded.reject(fromPlain(message.error));
      return;
    case 'failed':
      pending.get(message.id)?.reject(fromPlain(message.error));
      pending.delete(message.id);
  }
}
