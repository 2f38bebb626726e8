import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Ending } from './decide.ts';

export interface AgentOrder {
  /** All its words. */
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of an agent on trial: time until it reports healthy, and until it is to be committed, ms. */
  readonly limits?: { readonly upMs: number; readonly commitMs: number };
  /** Aborts when the agent is to end. */
  readonly stop: AbortSignal;
}

/** What an agent tells its launcher once it serves. */
export const HEALTHY = { healthy: true } as const;

/** For an agent to end in when it is asked to; systemd gives 30 s in all. */
const GRACE_MS = 25_000;
/** For one that did not prove itself. */
const SHORT_GRACE_MS = 5_000;

/** Longest delay that a timer takes (HTML Standard, timers). */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Runs an agent to its end. Its output and the notifications to systemd are its own; a signal to end
 * is passed on. An agent on trial whose time is over is ended.
 */
export async function runAgent(order: AgentOrder): Promise<Ending> {
  const { command, env, limits, stop } = order;
  const [program, ...args] = command;
  const child = spawn(program, args, {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env,
  });
  let by: Ending['by'] = 'itself';
  const timers: NodeJS.Timeout[] = [];
  const after = (ms: number, act: () => void) =>
    timers.push(setTimeout(act, Math.min(ms, LONGEST_MS)));
  const end = (why: Ending['by']) => {
    if (by !== 'itself') return;
    by = why;
    child.kill('SIGTERM');
    after(why === 'stop' ? GRACE_MS : SHORT_GRACE_MS, () => child.kill('SIGKILL'));
  };
  const stopped = () => end('stop');
  stop.addEventListener('abort', stopped, { once: true });
  if (stop.aborted) stopped();
  if (limits !== undefined) {
    let healthy = false;
    child.on('message', (message) => {
      healthy ||= (message as Partial<typeof HEALTHY> | null)?.healthy === true;
    });
    after(limits.upMs, () => {
      if (!healthy) end('not-up');
    });
    after(limits.commitMs, () => end('overdue'));
  }
  const code = await new Promise<number>((resolve) => {
    child.once('error', () => resolve(127));
    child.once('exit', (status, signal) => {
      resolve(signal === null ? (status ?? 1) : 128 + (constants.signals[signal] ?? 0));
    });
  });
  for (const timer of timers) clearTimeout(timer);
  stop.removeEventListener('abort', stopped);
  return { by, code };
}
