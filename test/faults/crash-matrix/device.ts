import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { JournalState } from '../../../agent/src/core/state.ts';
import { type LiveServer, startLiveServer } from '../../../agent/src/testing/live-server.ts';
import { makeTinyBundle, tinyInput } from '../../../agent/src/testing/tiny-bundle.ts';
import { bundleForNode } from '../../../scripts/bundle-for-node.ts';
import { until } from '../../support/until.ts';
import type { Hit } from './hit.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const LONGEST_START_MS = 60_000;
const WINDOW_MS = 200;
const FEED_PAUSE_MS = 30;

/** Bundles the agent into a folder, as a device has it: it starts in a third of the time. */
export async function bundleAgent(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await bundleForNode(new Map([['agent', 'agent/src/node/main.ts']]), folder, { lean: true });
  return join(folder, 'agent.js');
}

export interface DeviceOptions {
  /** Bundle of the agent. */
  readonly main: string;
  readonly data: string;
}

/** A device of one slot with its own small fleet, and what is known of it from outside. */
export interface Device {
  readonly server: LiveServer;
  readonly data: string;
  /** The versions that it ran before and that it shall run. */
  readonly old: number;
  readonly wanted: number;
  /**
   * Starts the agent; measured from here to the first answer.
   *
   * @param env further environment, of this start and those after it
   */
  start(env?: Readonly<Record<string, string>>): void;
  kill(): Promise<void>;
  /** As `kill`, within this turn of the event loop. */
  killNow(): void;
  /** Waits for the first answer after a start. */
  answered(): Promise<Pick<Hit, 'served' | 'serveMs'>>;
  /** Has the server want the other of two versions, watched for so long. */
  swing(watchMs?: number): Promise<void>;
  /** The id of the deployment that is wanted. */
  readonly deployment: string;
  /** Wants the same deployment once more. */
  again(): void;
  /** Why the wanted deployment ended, empty for a commit; undefined where the server does not know. */
  ending(): string | undefined;
  /** Waits until the wanted version serves and is committed; wants it anew where that was undone. */
  settle(): Promise<void>;
  /** Records that the device numbered and the server never got, once all is sent. */
  missing(): Promise<number>;
  journal(): JournalState | undefined;
  close(): Promise<void>;
}

/** Makes, enrolls and starts a device, and waits until it serves its first model. */
export async function createDevice({ main, data }: DeviceOptions): Promise<Device> {
  const server = await startLiveServer();
  const { fleet } = server;
  const bundles = await Promise.all([1, 2].map(makeTinyBundle));
  for (const bundle of bundles) fleet.publishBundle(bundle);
  const agentEnv: Record<string, string> = { PATH: process.env.PATH ?? '' };
  await enroll(main, data, server, agentEnv);

  const state = { old: 0, wanted: 0, deployment: '', attempt: 1, watchMs: 0 };
  let running: { child: ChildProcess; address: Promise<string>; startMs: number } | undefined;
  const feeding = new AbortController();

  function want(): void {
    const bundle = bundles[state.wanted - 1];
    if (bundle === undefined) throw new Error(`no version ${state.wanted}`);
    const { deployment: id, attempt, watchMs } = state;
    const active = fleet.deployment(bundle, { id, attempt, watchMs, precision: 'fp32' });
    fleet.want({ slots: [{ name: 'parts', mode: 'MODE_PRESENT', active }] });
  }

  const outcome = () =>
    fleet
      .outcomes()
      .find(
        ({ deployment, attempt }) => deployment === state.deployment && attempt === state.attempt,
      );

  async function ask(): Promise<number> {
    const address = await running?.address;
    for (const version of [1, 2]) {
      const answer = await infer(address ?? '', version);
      if (answer !== undefined) return answer;
    }
    throw new Error('no answer');
  }

  /** A device that is asked all the time has windows to lose. */
  async function feed(): Promise<void> {
    while (!feeding.signal.aborted) {
      await ask().catch(() => undefined);
      await sleep(FEED_PAUSE_MS);
    }
  }

  async function kill(): Promise<void> {
    const { child } = running ?? {};
    if (child === undefined) return;
    running = undefined;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  const self: Device = {
    server,
    data,
    get old() {
      return state.old;
    },
    get wanted() {
      return state.wanted;
    },
    get deployment() {
      return state.deployment;
    },
    start(env = {}) {
      Object.assign(agentEnv, env);
      running = launch(main, data, agentEnv);
    },
    kill,
    killNow: () => void running?.child.kill('SIGKILL'),
    async answered() {
      const startMs = running?.startMs ?? 0;
      const version = await until('an answer', ask, LONGEST_START_MS).catch(() => 0);
      const serveMs = performance.now() - startMs;
      const committed = outcome()?.result === 'RESULT_COMMITTED';
      // a server that was told of a commit must not find the old model again
      const known = version === state.wanted || (version === state.old && !committed);
      const served = version === state.wanted ? 'new' : 'old';
      return { served: known ? served : 'nothing', serveMs };
    },
    async swing(watchMs = 30) {
      const { deployment, wanted } = state;
      if (deployment !== '' && outcome()?.result === 'RESULT_COMMITTED') state.old = wanted;
      state.wanted = state.old === 1 ? 2 : 1;
      Object.assign(state, { deployment: newDeployment(server), attempt: 1, watchMs });
      want();
    },
    again() {
      state.attempt++;
      want();
    },
    ending: () => outcome()?.code,
    async settle() {
      await until(`version ${state.wanted} on ${data}`, async () => {
        const ended = outcome();
        if (ended !== undefined && ended.result !== 'RESULT_COMMITTED') self.again();
        return ended?.result === 'RESULT_COMMITTED' && (await ask()) === state.wanted;
      });
    },
    async missing() {
      await until('an empty outbox', async () => {
        const response = await fetch(`${await running?.address}/flotilla/1/status`);
        const { outbox } = (await response.json()) as { outbox: { pending: number } };
        return outbox.pending === 0;
      });
      return gaps([...fleet.records.keys()]);
    },
    journal: () => readJournal(data),
    async close() {
      feeding.abort();
      await fed;
      await kill();
      await server.close();
    },
  };
  const fed = feed();
  self.start();
  await self.swing();
  await self.settle();
  return self;
}

const newDeployment = ({ fleet }: LiveServer): string =>
  fleet.deployment({
    version: 0,
    digest: '',
    targetPath: '',
    manifestBytes: new Uint8Array(),
    blobs: new Map(),
  }).id ?? '';

function launch(main: string, data: string, env: Readonly<Record<string, string>>) {
  const startMs = performance.now();
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
  return { child, address, startMs };
}

async function enroll(
  main: string,
  data: string,
  server: LiveServer,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const args = ['--server', server.api, '--token', 'clm_good', '--data', data];
  const child = spawn(process.execPath, [main, 'enroll', ...args], { stdio: 'ignore', env });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`enroll ended with ${code}`);
}

/** The version that answered; undefined where the input is another version's. */
async function infer(address: string, version: number): Promise<number | undefined> {
  const data = tinyInput(version);
  const input = { name: 'x', shape: [1, data.length], datatype: 'FP32', data };
  const response = await fetch(`${address}/v2/models/parts/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: [input] }),
    signal: AbortSignal.timeout(5000),
  });
  const body = (await response.json()) as { model_version?: string };
  return response.ok && body.model_version === `${version}` ? version : undefined;
}

function readJournal(data: string): JournalState | undefined {
  const file = join(data, 'journal.json');
  if (!existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, 'utf8')) as JournalState;
}

/** A number that was given to a record on the medium is never given again: a gap is a loss. */
function gaps(keys: readonly string[]): number {
  const seqs = keys.map((key) => Number(key.split('/')[1]));
  const outboxes = new Set(keys.map((key) => key.split('/')[0]));
  if (outboxes.size > 1) throw new Error(`${outboxes.size} outboxes on one device`);
  return Math.max(0, ...seqs) - seqs.length;
}
