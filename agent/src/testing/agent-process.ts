import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Bundles that a whole run of the tests has made, which start in a third of the time. */
const BUNDLES = process.env.FLOTILLA_TEST_PROGRAMS;
const MAIN =
  BUNDLES === undefined
    ? fileURLToPath(new URL('../node/main.ts', import.meta.url))
    : join(BUNDLES, 'flotilla-agent.js');
/** Bundles live no longer than the run, and what Node compiles of them no longer either. */
const ENV =
  BUNDLES === undefined
    ? process.env
    : { ...process.env, NODE_COMPILE_CACHE: join(BUNDLES, 'compiled') };

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `flotilla-agent`, from source or packed. */
export interface AgentProgram {
  /** Runs it to its end. */
  run(...args: string[]): Promise<Finished>;
  /** Starts `run` and waits until it serves. */
  start(data: string, ...args: string[]): Promise<RunningProcess>;
}

/** @param command the program, and what comes before its arguments */
export function agentProgram(...command: [string, ...string[]]): AgentProgram {
  return {
    run: (...args) => runToEnd(spawnAgent(command, args)),
    start: (data, ...args) => startServing(command, data, args),
  };
}

/** The agent of this repository: bundled where the run has it so, else from its source. */
export const { run: runAgentCommand, start: startAgentProcess } = agentProgram(
  process.execPath,
  MAIN,
);

async function runToEnd({ child, output }: Spawned): Promise<Finished> {
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...output };
}

export interface RunningProcess {
  readonly child: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  /** Address of the inference API. */
  readonly address: string;
  /** Sends a signal and waits for the end. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
}

async function startServing(
  command: Command,
  data: string,
  args: readonly string[],
): Promise<RunningProcess> {
  const common = ['run', '--data', data, '--http', '127.0.0.1:0', '--json'];
  const { child, output } = spawnAgent(command, [...common, ...args]);
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', () => {
      const end = output.stdout.indexOf('\n');
      if (end >= 0) resolve(output.stdout.slice(0, end));
    });
    child.once('close', () => reject(new Error(`the agent ended: ${output.stderr}`)));
  });
  const { address } = JSON.parse(line) as { address: string };
  return {
    child,
    output,
    address,
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const closed = once(child, 'close');
      child.kill(signal);
      const [code] = (await closed) as [number | null];
      return code;
    },
  };
}

type Command = readonly [string, ...string[]];
type Spawned = ReturnType<typeof spawnAgent>;

function spawnAgent([program, ...before]: Command, args: readonly string[]) {
  const child = spawn(program, [...before, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: ENV,
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  return { child, output };
}
