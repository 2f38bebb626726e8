import { Worker } from 'node:worker_threads';
import { declineTelemetry } from './decline-telemetry.ts';

/** A thread that comes up before there is a model for it. It does not keep the process alive. */
export interface EarlyThread {
  /** The thread, once, and as long as it lives. */
  take(): Worker | undefined;
  /** Ends it if nobody has taken it. */
  end(): void;
}

/**
 * Starts the thread of the session that is loaded first, for a program that goes on to load its own
 * modules: a thread takes as long to come up as a small model to load.
 */
export function startThreadEarly(): EarlyThread {
  let worker: Worker | undefined = startModelThread();
  const forget = () => {
    worker = undefined;
  };
  worker.once('error', forget).once('exit', forget).unref();
  return {
    take() {
      const taken = worker;
      forget();
      taken?.removeAllListeners();
      taken?.ref();
      return taken;
    },
    end() {
      void worker?.terminate();
      forget();
    },
  };
}

/** A thread for one session, which waits for the order to load it. */
export function startModelThread(): Worker {
  declineTelemetry();
  return new Worker(new URL('./runtime-thread.ts', import.meta.url), {
    execArgv: [],
    name: 'flotilla-model',
  });
}
