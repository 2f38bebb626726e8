import { parentPort, workerData } from 'node:worker_threads';
import { ortRuntime, toPlain } from '@flotilla/model/threads';
import { free, freeTensors } from '../free.ts';
import { type Observer, openObserver } from './observer.ts';
import type { FromObserver, ObserverData, ToObserver } from './observer-messages.ts';

/** Main module of the thread of one observer; see `openThreadObserver`. */
async function main(port: NonNullable<typeof parentPort>, data: ObserverData): Promise<void> {
  const answer = (message: FromObserver) => port.postMessage(message);
  const fail = (error: unknown) => answer({ kind: 'failed', error: toPlain(error) });
  const session = await ortRuntime().load(data.model, { lean: true }).catch(fail);
  free(data.model);
  if (!session) return;
  const observer = openObserver(session, data.taps);
  answer({ kind: 'ready' });
  let last: Promise<void> = Promise.resolve();
  port.on('message', (message: ToObserver) => {
    last = last.then(() => respond(message, observer).then(answer, fail));
    if (message.kind === 'dispose') void last.then(() => port.close());
  });
}

async function respond(message: ToObserver, observer: Observer): Promise<FromObserver> {
  switch (message.kind) {
    case 'observe': {
      const extremes = await observer.observe(message.feeds);
      freeTensors(message.feeds);
      return { kind: 'observed', extremes };
    }
    case 'histograms':
      return { kind: 'histograms', histograms: await observer.histograms() };
    case 'dispose':
      await observer.dispose();
      return { kind: 'ready' };
  }
}

if (parentPort) await main(parentPort, workerData as ObserverData);
