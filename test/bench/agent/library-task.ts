/**
 * An agent as a library, in a process of its own: times its calls against the bare worker, turn by
 * turn, and serves the Unix socket while its parent times that.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { createAgent, localRoutes, serveLocal } from '@flotilla/agent/node';
import type { Tensor } from '@flotilla/model';
import { SLOT } from './bed.ts';
import { median } from './statistics.ts';

const MODEL = new URL('../../../examples/parts-inspection/versions/1/model.onnx', import.meta.url);
const RESOLUTION_MS = 1;

/** Medians of a turn, ms. */
export interface Turn {
  readonly bareMs: number;
  readonly libraryMs: number;
}

export type Ask = { readonly calls: number } | 'delay' | 'stop';
export type Answer = Turn | 'ready' | { readonly eventLoopP99Ms: number };

const [data = '', socket = ''] = process.argv.slice(2);
const answer = (message: Answer) => process.send?.(message);

const agent = await createAgent({ data });
const server = await serveLocal(localRoutes(agent, 'unused'), {
  listen: [`unix:${socket}`],
  maxRequestBytes: 1 << 20,
});
const worker = new Worker(new URL('./bare-worker.ts', import.meta.url), {
  workerData: new Uint8Array(await readFile(MODEL)),
});
await once(worker, 'message');
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

const pixels = new Float32Array(3 * 96 * 96);
const image: Tensor = { type: 'FP32', shape: [1, 3, 96, 96], data: pixels };

async function bare(): Promise<void> {
  const copy = pixels.slice();
  const answered = once(worker, 'message');
  worker.postMessage(copy, [copy.buffer]);
  await answered;
}

async function time(call: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await call();
  return performance.now() - began;
}

async function turn(calls: number): Promise<Turn> {
  const bareMs: number[] = [];
  const libraryMs: number[] = [];
  for (let i = 0; i < calls; i++) {
    bareMs.push(await time(bare));
    libraryMs.push(await time(() => agent.infer(SLOT, { image })));
  }
  return { bareMs: median(bareMs), libraryMs: median(libraryMs) };
}

process.on('message', async (ask: Ask) => {
  if (ask === 'stop') {
    await server.close();
    await worker.terminate();
    await agent.stop();
    process.disconnect();
  } else if (ask === 'delay') {
    const p99 = delay.percentile(99) / 1e6 - RESOLUTION_MS;
    answer({ eventLoopP99Ms: Math.max(0, p99) });
  } else {
    answer(await turn(ask.calls));
    delay.enable();
  }
});
answer('ready');
