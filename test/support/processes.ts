import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type CommandName, compileCache, mainOf, sourceOf } from './programs.ts';

/** A command of the project, the same run from its source, or the path of a packed one. */
export type Program = CommandName | { readonly source: CommandName } | { readonly path: string };
export type Environment = Readonly<Record<string, string>>;

/** How a process ended, and all that it said. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process that runs until it is stopped. */
export interface Running {
  readonly pid: number;
  /** Resolves with the first line of standard output that is accepted; rejects if the process ends. */
  line(accepts: (line: string) => boolean): Promise<string>;
  readonly ended: Promise<Ended>;
  /** As a crash: children that it had run on. */
  kill9(): Promise<void>;
  /** As an operator would: SIGTERM, then −9 where it does not go. */
  stop(): Promise<Ended>;
}

const STOP_GRACE_MS = 10_000;
const LIMIT_MS = 120_000;
const KEPT_BYTES = 1 << 20;

/** Groups that were started, so that nothing of them outlives the tests. */
const groups = new Set<number>();
process.once('exit', () => {
  for (const pid of groups) killGroup(pid);
});

/** Of this environment, what a program needs, and what spares it to compile itself anew. */
const HANDED_ON: Environment = { PATH: process.env.PATH ?? '', ...compileCache() };

/**
 * Starts a command in a group of its own; hardly anything of this environment is handed on.
 *
 * @param wrapper words of a command that becomes the one that follows them
 */
export function start(
  program: Program,
  args: readonly string[],
  env: Environment = {},
  cwd = process.cwd(),
  wrapper: readonly string[] = [],
): Running {
  const [command = '', ...words] = [...wrapper, ...wordsOf(program), ...args];
  const child = spawn(command, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...HANDED_ON, ...env },
    cwd,
    detached: true,
  });
  const pid = child.pid ?? 0;
  groups.add(pid);
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] = (said[stream] + text).slice(-KEPT_BYTES);
    });
  }
  let crashed = false;
  const exited = once(child, 'exit').then(() => {
    // what a crash leaves behind runs on until the tests end
    if (crashed) return;
    killGroup(pid);
    // its number may come again, for something else
    groups.delete(pid);
  });
  const ended = once(child, 'close').then(([code]): Ended => ({ code, ...said }));
  return {
    pid,
    ended,
    line: (accepts) => firstLine(child, said, ended, accepts),
    async kill9() {
      crashed = true;
      child.kill('SIGKILL');
      await exited;
    },
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
      return ended.finally(() => clearTimeout(timer));
    },
  };
}

function wordsOf(program: Program): string[] {
  if (typeof program === 'string') return [process.execPath, mainOf(program)];
  return 'path' in program ? [program.path] : [process.execPath, sourceOf(program.source)];
}

/** Runs a command to its end. */
export async function run(
  program: Program,
  args: readonly string[],
  env: Environment = {},
  cwd?: string,
): Promise<Ended> {
  const running = start(program, args, env, cwd);
  const timer = setTimeout(() => killGroup(running.pid), LIMIT_MS);
  return running.ended.finally(() => clearTimeout(timer));
}

async function firstLine(
  child: ChildProcess,
  said: { readonly stdout: string },
  ended: Promise<Ended>,
  accepts: (line: string) => boolean,
): Promise<string> {
  const gone = ended.then((end) => {
    throw new Error(`ended with ${end.code ?? child.signalCode}: ${end.stderr.slice(-2000)}`);
  });
  gone.catch(() => undefined);
  for (;;) {
    const whole = said.stdout.split('\n').slice(0, -1);
    const found = whole.find(accepts);
    if (found !== undefined) return found;
    await Promise.race([once(child.stdout ?? child, 'data'), gone]);
  }
}

/** A group that is gone already is no error. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ended meanwhile
  }
}
