import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { FlotillaError } from '@flotilla/protocol';
import { type Ending, failureOf } from './limited-failure.ts';
import type { FromChild, ToChild } from './limited-messages.ts';

/** Least memory that Node with ONNX Runtime starts in (measured: 512 MiB does not start). */
export const LEAST_MEMORY_BYTES = 1 << 30;

export interface LimitedTask<Progress> {
  /** Module with the function to call as `run(input, report)`; `report(value)` gives progress. */
  readonly script: URL;
  /** Name of the exported function; default `run`. */
  readonly export?: string;
  /** What it does, for messages: "building parts@3". */
  readonly name: string;
  /** Anything that can be cloned (HTML Standard, structured clone). */
  readonly input: unknown;
  /** Limit of RLIMIT_DATA, not less than `LEAST_MEMORY_BYTES`; left out, there is none. */
  readonly memoryBytes?: number;
  readonly timeoutMs: number;
  readonly onProgress?: (value: Progress) => void;
  /** Told where a limit cannot be set on this machine. */
  readonly onWarning?: (text: string) => void;
  readonly signal?: AbortSignal;
  /** Of the child's environment, beside what it has. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Calls a module's function in a child process with limits of memory and time, so that a model
 * that makes the runtime abort, spin or swallow memory cannot harm the caller. The child has an
 * environment of its own: PATH, HOME, TMPDIR, and what the task names.
 *
 * @returns what the function returns, cloned
 * @throws FlotillaError the one that the function threw, or `child.crashed`, `child.timeout`,
 *   `child.out-of-memory`, `child.failed`, `child.aborted`
 */
export async function runLimited<Result, Progress = unknown>(
  task: LimitedTask<Progress>,
): Promise<Result> {
  if (task.signal?.aborted) throw new FlotillaError('child.aborted', { task: task.name });
  const child = start(task);
  const ending = await attend(child, task);
  if (ending.message?.kind === 'done') return ending.message.value as Result;
  throw failureOf(task.name, ending, task);
}

function start(task: LimitedTask<never>): ChildProcess {
  const child = fileURLToPath(new URL('./limited-child.ts', import.meta.url));
  const [command, ...args] = [...limitsOf(task), process.execPath, child];
  return spawn(command!, args, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    env: {
      ...task.env,
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: tmpdir(),
      TMPDIR: tmpdir(),
    },
  });
}

/**
 * The words before a command that limit it: prlimit(1) of util-linux sets the limits and becomes the
 * child; a crash leaves no core file.
 */
export function limitsOf(
  task: Pick<LimitedTask<never>, 'name' | 'memoryBytes' | 'timeoutMs' | 'onWarning'>,
): string[] {
  const prlimit = ['/usr/bin/prlimit', '/bin/prlimit'].find((path) => existsSync(path));
  if (!prlimit) {
    task.onWarning?.(
      `${task.name} runs without a limit of memory: prlimit (util-linux) is not installed`,
    );
    return [];
  }
  // Ends a child that outlives its parent in a loop, where it cannot notice.
  const cpuSeconds = Math.ceil(task.timeoutMs / 1000) * availableParallelism() + 10;
  const { memoryBytes } = task;
  const data = memoryBytes ? [`--data=${Math.max(memoryBytes, LEAST_MEMORY_BYTES)}`] : [];
  return [prlimit, ...data, `--cpu=${cpuSeconds}`, '--core=0', '--'];
}

async function attend<Progress>(child: ChildProcess, task: LimitedTask<Progress>): Promise<Ending> {
  let message: Ending['message'];
  let stopped: Ending['stopped'];
  let stderr = '';
  const stop = (why: 'timeout' | 'aborted') => {
    stopped ??= why;
    child.kill('SIGKILL');
  };
  const timer = setTimeout(stop, task.timeoutMs, 'timeout');
  const abort = () => stop('aborted');
  task.signal?.addEventListener('abort', abort, { once: true });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4096);
  });
  child.on('message', (received: FromChild) => {
    if (received.kind === 'progress') task.onProgress?.(received.value as Progress);
    else message = received;
  });
  try {
    const gone = Promise.all([once(child, 'close'), once(child, 'disconnect')]);
    child.send(orderOf(task), () => {});
    const [[code, signal]] = await gone;
    return { message, stopped, code, signal, stderr };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    child.kill('SIGKILL');
    throw new FlotillaError('child.failed', { task: task.name, reason }, { cause });
  } finally {
    clearTimeout(timer);
    task.signal?.removeEventListener('abort', abort);
  }
}

function orderOf(task: LimitedTask<never>): ToChild {
  return { script: task.script.href, export: task.export ?? 'run', input: task.input };
}
