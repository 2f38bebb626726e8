import { parentPort, workerData } from 'node:worker_threads';
import type { Session } from '../runtime.ts';
import { makeRuntime } from './make-runtime.ts';
import { toPlain } from './plain-error.ts';
import {
  type FromThread,
  flatten,
  type ThreadData,
  type ToThread,
  unflatten,
} from './thread-messages.ts';

/** Main module of the thread that holds one session; see `workerRuntime`. */
async function main(port: NonNullable<typeof parentPort>, data: ThreadData): Promise<void> {
  const answer = (message: FromThread, buffers: ArrayBuffer[] = []) =>
    port.postMessage(message, buffers);
  const session = await loadFor(data).catch((error: unknown) => {
    answer({ kind: 'refused', error: toPlain(error) });
    return undefined;
  });
  if (!session) return;
  port.on('message', async (message: ToThread) => {
    if (message === 'dispose') {
      await session.dispose();
      port.close();
      return;
    }
    const [id, ...flat] = message;
    try {
      const feeds = unflatten(flat);
      const { flat: outputs, buffers } = flatten(await session.run(feeds));
      const spent = Object.values(feeds).map(({ data }) => data.buffer as ArrayBuffer);
      answer([id, spent, ...outputs], [...buffers, ...spent]);
    } catch (error) {
      answer({ kind: 'failed', id, error: toPlain(error) });
    }
  });
  const { inputs, outputs, runtime, provider, fallbacks } = session;
  answer({ kind: 'loaded', facts: { inputs, outputs, runtime, provider, fallbacks } });
}

async function loadFor({ runtime, model, options }: ThreadData): Promise<Session> {
  return (await makeRuntime(runtime)).load(model, options);
}

if (parentPort) await main(parentPort, workerData as ThreadData);
