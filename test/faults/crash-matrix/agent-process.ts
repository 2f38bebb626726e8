import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tinyInput } from '../../../agent/src/testing/tiny-bundle.ts';
import { bundleForNode } from '../../../scripts/bundle-for-node.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const WINDOW_MS = 200;
const ANSWER_MS = 5_000;

/** Bundles the agent into a folder, as a device has it: it starts in a third of the time. */
export async function bundleAgent(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await bundleForNode(new Map([['agent', 'agent/src/node/main.ts']]), folder, { lean: true });
  return join(folder, 'agent.js');
}

/** The process of an agent, which may be dead. */
export interface AgentProcess {
  /** When it was started, ms of `performance.now`. */
  readonly startMs: number;
  /**
   * Starts it.
   *
   * @param env further environment, of this start and those after it
   */
  start(env?: Readonly<Record<string, string>>): void;
  /** As `kill`, within this turn of the event loop. */
  killNow(): void;
  kill(): Promise<void>;
  /** The version that answers. */
  ask(): Promise<number>;
  /** Records that wait in its outbox. */
  pending(): Promise<number>;
}

export interface AgentOptions {
  /** Bundle of the agent. */
  readonly main: string;
  readonly data: string;
}

/** Enrolls an agent; it does not run yet. */
export async function createAgentProcess(
  { main, data }: AgentOptions,
  api: string,
): Promise<AgentProcess> {
  const env: Record<string, string> = { PATH: process.env.PATH ?? '' };
  const enroll = ['enroll', '--server', api, '--token', 'clm_good', '--data', data];
  const enrolling = spawn(process.execPath, [main, ...enroll], { stdio: 'ignore', env });
  const [code] = (await once(enrolling, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`enroll ended with ${code}`);

  let running: { child: ChildProcess; address: Promise<string> } | undefined;
  let startMs = 0;
  return {
    get startMs() {
      return startMs;
    },
    start(further = {}) {
      Object.assign(env, further);
      startMs = performance.now();
      running = launch(main, data, env);
    },
    killNow: () => void running?.child.kill('SIGKILL'),
    async kill() {
      const { child } = running ?? {};
      running = undefined;
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
    async ask() {
      const address = (await running?.address) ?? '';
      for (const version of [1, 2]) if (await answers(address, version)) return version;
      throw new Error('no version answers');
    },
    async pending() {
      const response = await fetch(`${await running?.address}/flotilla/1/status`);
      const { outbox } = (await response.json()) as { outbox: { pending: number } };
      return outbox.pending;
    },
  };
}

function launch(main: string, data: string, env: Readonly<Record<string, string>>) {
  const args = ['--http', '127.0.0.1:0', '--telemetry-window', `${WINDOW_MS}`, '--log', 'error'];
  const command = [main, 'run', '--data', data, '--ort-library', 'none', '--json', ...args];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'ignore'], env });
  const address = new Promise<string>((resolve, reject) => {
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('\n')) resolve((JSON.parse(said) as { address: string }).address);
    });
    child.once('exit', () => reject(new Error('the agent ended')));
  });
  address.catch(() => undefined);
  return { child, address };
}

/** Whether that version runs there; the input of another one is refused. */
async function answers(address: string, version: number): Promise<boolean> {
  const data = tinyInput(version);
  const input = { name: 'x', shape: [1, data.length], datatype: 'FP32', data };
  const response = await fetch(`${address}/v2/models/parts/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: [input] }),
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  const body = (await response.json()) as { model_version?: string };
  return response.ok && body.model_version === `${version}`;
}
