import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../node/main.ts', import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `flotilla-agent` to its end. */
export async function runAgentCommand(...args: string[]): Promise<Finished> {
  const { child, output } = spawnAgent(args);
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

/** Starts `flotilla-agent run` and waits until it serves. */
export async function startAgentProcess(data: string, ...args: string[]): Promise<RunningProcess> {
  const common = ['run', '--data', data, '--http', '127.0.0.1:0', '--json'];
  const { child, output } = spawnAgent([...common, ...args]);
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

function spawnAgent(args: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  return { child, output };
}
