import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a piece of work costs the process that it runs in. */
export interface Held {
  readonly ms: number;
  /** Of all its threads. */
  readonly cpuMs: number;
  /** How late the event loop was at most. */
  readonly delayMs: number;
  /** The same at the 99th percentile of its turns. */
  readonly delayP99Ms: number;
}

const SETTLE_MS = 1000;
const AFTER_MS = 50;

/** Measures work once what went before it has ended. */
export async function measureHeld<T>(work: () => Promise<T>): Promise<{ result: T; held: Held }> {
  await sleep(SETTLE_MS);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  await sleep(AFTER_MS);
  delay.disable();
  const late = { delayMs: delay.max / 1e6, delayP99Ms: delay.percentile(99) / 1e6 };
  return { result, held: { ms, cpuMs: (user + system) / 1000, ...late } };
}
