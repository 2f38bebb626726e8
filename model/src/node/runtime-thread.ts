import { parentPort } from 'node:worker_threads';
import type { Session } from '../runtime.ts';
import { makeRuntime } from './make-runtime.ts';
import { toPlain } from './plain-error.ts';
import {
  type FlatTensors,
  type FromThread,
  flatten,
  type LoadOrder,
  type ToThread,
  unflatten,
} from './thread-messages.ts';

/** Main module of the thread that holds one session; see `workerRuntime`. */
function main(port: NonNullable<typeof parentPort>): void {
  const answer = (message: FromThread, buffers: ArrayBuffer[] = []) =>
    port.postMessage(message, buffers);
  let session: Session | undefined;

  async function load({ runtime, model, options }: LoadOrder): Promise<void> {
    try {
      session = await (await makeRuntime(runtime)).load(model, options);
    } catch (error) {
      answer({ kind: 'refused', error: toPlain(error) });
      port.close();
      return;
    }
    const { inputs, outputs, provider, fallbacks } = session;
    const facts = { inputs, outputs, runtime: session.runtime, provider, fallbacks };
    answer({ kind: 'loaded', facts });
  }

  async function run(loaded: Session, id: number, flat: FlatTensors): Promise<void> {
    try {
      const feeds = unflatten(flat);
      const { flat: outputs, buffers } = flatten(await loaded.run(feeds));
      const spent = Object.values(feeds).map(({ data }) => data.buffer as ArrayBuffer);
      answer([id, spent, ...outputs], [...buffers, ...spent]);
    } catch (error) {
      answer({ kind: 'failed', id, error: toPlain(error) });
    }
  }

  port.on('message', async (message: ToThread) => {
    if (message === 'dispose') {
      await session?.dispose();
      port.close();
    } else if ('model' in message) {
      await load(message);
    } else if (session !== undefined) {
      const [id, ...flat] = message;
      await run(session, id, flat);
    }
  });
}

if (parentPort) main(parentPort);
