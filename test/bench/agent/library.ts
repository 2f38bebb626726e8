import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Bed } from './bed.ts';
import type { Answer, Ask, Turn } from './library-task.ts';
import { connectSocket, tensorRequest } from './socket-client.ts';
import { median } from './statistics.ts';

export interface Overheads {
  /** Medians of one inference, ms: bare behind a worker, by the library, over the Unix socket. */
  readonly bareMs: number;
  readonly libraryMs: number;
  readonly httpMs: number;
  /** Medians over the turns of the difference within each. */
  readonly libraryOverheadUs: number;
  readonly httpAddsMs: number;
  readonly eventLoopP99Ms: number;
}

/**
 * What the library adds to onnxruntime-node behind a worker, and HTTP to the library: turn by turn
 * in the same run, so that what else the machine does meets all three.
 */
export async function measureOverheads(
  { data, socket }: Bed,
  { turns, calls }: { readonly turns: number; readonly calls: number },
): Promise<Overheads> {
  const child = fork(new URL('./library-task.ts', import.meta.url), [data, socket]);
  const next = async () => ((await once(child, 'message')) as [Answer])[0];
  const ask = async (what: Ask) => {
    child.send(what);
    return next();
  };
  await next();
  const client = connectSocket(socket);
  const overHttp = async () => {
    const request = tensorRequest();
    const times: number[] = [];
    for (let i = 0; i < calls; i++) times.push(await client.infer(request));
    return median(times);
  };
  await ask({ calls });
  await overHttp();
  const rows: (Turn & { httpMs: number })[] = [];
  for (let i = 0; i < turns; i++) {
    rows.push({ ...((await ask({ calls })) as Turn), httpMs: await overHttp() });
  }
  const { eventLoopP99Ms } = (await ask('delay')) as { eventLoopP99Ms: number };
  client.close();
  child.send('stop' satisfies Ask);
  await once(child, 'exit');
  const over = (of: (row: Turn & { httpMs: number }) => number) => median(rows.map(of));
  return {
    bareMs: over(({ bareMs }) => bareMs),
    libraryMs: over(({ libraryMs }) => libraryMs),
    httpMs: over(({ httpMs }) => httpMs),
    libraryOverheadUs: over(({ bareMs, libraryMs }) => (libraryMs - bareMs) * 1000),
    httpAddsMs: over(({ libraryMs, httpMs }) => httpMs - libraryMs),
    eventLoopP99Ms,
  };
}
