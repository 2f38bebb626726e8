import { parentPort, workerData } from 'node:worker_threads';
import type { Session } from '../runtime.ts';
import { makeRuntime } from './make-runtime.ts';
import { toPlain } from './plain-error.ts';
import { detached, type FromThread, type ThreadData, type ToThread } from './thread-messages.ts';

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
    if (message.kind === 'dispose') {
      await session.dispose();
      port.close();
      return;
    }
    try {
      const { copy, buffers } = detached(await session.run(message.feeds));
      const spent = Object.values(message.feeds).map(({ data }) => data.buffer);
      answer({ kind: 'ran', id: message.id, outputs: copy, spent }, [...buffers, ...spent]);
    } catch (error) {
      answer({ kind: 'failed', id: message.id, error: toPlain(error) });
    }
  });
  const { inputs, outputs, runtime, provider, fallbacks } = session;
  answer({ kind: 'loaded', facts: { inputs, outputs, runtime, provider, fallbacks } });
}

async function loadFor({ runtime, model, options }: ThreadData): Promise<Session> {
  return (await makeRuntime(runtime)).load(model, options);
}

if (parentPort) await main(parentPort, workerData as ThreadData);
