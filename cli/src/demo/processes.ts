import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { FlotillaError } from '@flotilla/protocol';

/** A process of the demo: its standard output line by line, its standard error in a log file. */
export interface Running {
  readonly name: string;
  readonly pid: number;
  /** Resolves with the first line of output that the test accepts. */
  line(accepts: (line: string) => boolean): Promise<string>;
  stop(): Promise<void>;
}

export interface Launch {
  readonly name: string;
  /** Path of the TypeScript or JavaScript main, then its arguments. */
  readonly args: readonly string[];
  readonly logs: string;
  /** Of the command: the process gets of it what any process needs. */
  readonly environment: Environment;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const STOP_GRACE_MS = 5_000;

export function launch({ name, args, logs, environment }: Launch): Running {
  const child = spawn(process.execPath, [...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: inherited(environment),
  });
  const logFile = join(logs, `${name}.log`);
  const log = createWriteStream(logFile);
  child.stderr.pipe(log);
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    if (lines.length > 1000) lines.shift();
    for (const wake of waiting) wake();
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      for (const wake of waiting) wake();
      resolve();
    });
  });
  return {
    name,
    pid: child.pid ?? 0,
    line: (accepts) => firstLine({ child, name, logFile, lines, waiting }, accepts),
    stop: () => stop(child, ended),
  };
}

/** What a child needs to run; no setting of Flotilla is handed on. */
function inherited(environment: Environment): Record<string, string> {
  const { PATH = '', HOME = '', TMPDIR, TZ } = environment;
  return {
    PATH,
    HOME,
    ...(TMPDIR === undefined ? {} : { TMPDIR }),
    ...(TZ === undefined ? {} : { TZ }),
  };
}

interface Output {
  readonly child: ChildProcess;
  readonly name: string;
  readonly logFile: string;
  readonly lines: readonly string[];
  readonly waiting: Set<() => void>;
}

function firstLine(output: Output, accepts: (line: string) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const line = output.lines.find(accepts);
      if (line === undefined && output.child.exitCode === null) return;
      output.waiting.delete(look);
      if (line !== undefined) return resolve(line);
      const { name, logFile, child } = output;
      reject(
        new FlotillaError('demo.process-ended', { name, code: child.exitCode ?? -1, logFile }),
      );
    };
    output.waiting.add(look);
    look();
  });
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
  await ended;
  clearTimeout(timer);
  // What it started may outlive it and hold its pipes, which would keep the demo from ending.
  child.stdout?.destroy();
  child.stderr?.destroy();
}
