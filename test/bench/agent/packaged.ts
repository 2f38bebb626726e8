import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { connectSocket, type SocketClient } from './socket-client.ts';

/** An agent in a process of its own. */
export interface Packaged {
  readonly client: SocketClient;
  /** From the start of the process until it said that it serves, ms. */
  readonly readyMs: number;
  memory(): Promise<Memory>;
  /** Processor time so far, ms. */
  cpuMs(): Promise<number>;
  /** Bytes that it made the block layer write so far. */
  writtenBytes(): Promise<number>;
  stop(): Promise<void>;
}

/** Resident, megabytes of 2^20 bytes: of its own, and pages of programs and libraries. */
export interface Memory {
  readonly allMb: number;
  readonly anonymousMb: number;
  readonly fileMb: number;
}

/** Of the kernel, on all architectures that the agent is packed for (proc_pid_stat(5), getconf). */
const TICK_MS = 10;

export async function startPackaged(
  program: string,
  options: readonly string[],
  socket: string,
): Promise<Packaged> {
  const began = performance.now();
  const child = spawn(program, ['run', ...options, '--json', '--log', 'warn'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  await Promise.race([once(lines, 'line'), failed(once(child, 'exit'))]);
  const readyMs = performance.now() - began;
  const client = connectSocket(socket);
  const read = (file: string) => readFile(`/proc/${child.pid}/${file}`, 'utf8');
  return {
    client,
    readyMs,
    async memory() {
      const status = await read('status');
      const mb = (key: string) =>
        Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024;
      return { allMb: mb('VmRSS'), anonymousMb: mb('RssAnon'), fileMb: mb('RssFile') };
    },
    async cpuMs() {
      // after the name, which may hold spaces: state is field 3, utime 14, stime 15
      const fields = (await read('stat')).replace(/^.*\) /s, '').split(' ');
      return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
    },
    async writtenBytes() {
      return Number(/^write_bytes: (\d+)$/m.exec(await read('io'))?.[1]);
    },
    async stop() {
      client.close();
      const ended = child.exitCode === null ? once(child, 'exit') : undefined;
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function failed(exit: Promise<unknown>): Promise<never> {
  await exit;
  throw new Error('the agent ended before it served');
}
