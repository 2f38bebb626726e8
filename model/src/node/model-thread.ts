import { Worker } from 'node:worker_threads';
import { declineTelemetry } from './decline-telemetry.ts';

/** Up, or coming up, and without a model. */
let early: Worker | undefined;

/**
 * Starts the thread of the session that is loaded first, for a program that goes on to load its own
 * modules: a thread takes as long to come up as a small model to load. It does not keep the process
 * alive.
 *
 * @returns ends the thread if no session has taken it
 */
export function startThreadEarly(): () => void {
  const worker = startThread();
  worker.unref();
  const forget = () => {
    if (early === worker) early = undefined;
  };
  worker.once('error', forget).once('exit', forget);
  early = worker;
  return () => {
    if (early !== worker) return;
    forget();
    void worker.terminate();
  };
}

/** A thread for one session, which waits for the order to load it. */
export function takeThread(): Worker {
  const worker = early ?? startThread();
  early = undefined;
  worker.removeAllListeners();
  worker.ref();
  return worker;
}

function startThread(): Worker {
  declineTelemetry();
  return new Worker(new URL('./runtime-thread.ts', import.meta.url), {
    execArgv: [],
    name: 'flotilla-model',
  });
}
