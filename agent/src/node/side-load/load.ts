import { rm, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { isFlotillaError } from '@flotilla/protocol';
import type { AgentStatus, Loading } from '../../core/index.ts';
import { createAgent, type NodeAgentOptions } from '../create-agent.ts';
import { findAgent, jsonOf, type LocalAgent } from '../local-client.ts';
import { openBundleSource } from './bundle-source.ts';
import { followLoading } from './follow.ts';

export interface LoadOptions {
  readonly file: string;
  readonly slot: string | undefined;
  readonly watchMs: number;
  /** For the agent that this process is where none runs on the folder. */
  readonly agent: NodeAgentOptions;
  onProgress(label: string, share: number): void;
}

export interface Loaded extends Loading {
  readonly attempt: AgentStatus['attempts'][number];
  /** Whether an agent runs that serves the model at once. */
  readonly serving: boolean;
}

/** The share of the work that is done once the bundle is taken in. */
const TAKEN_SHARE = 0.5;

/**
 * Puts a bundle file into a slot, by the agent that runs on the folder; where none does, this process
 * holds the folder and does the same steps.
 *
 * @throws FlotillaError why it was not taken, with the agent's own words
 */
export async function loadFile(options: LoadOptions): Promise<Loaded> {
  const running = await findAgent(options.agent.data);
  return running === undefined ? loadAlone(options) : loadThrough(running, options);
}

async function loadThrough(agent: LocalAgent, options: LoadOptions): Promise<Loaded> {
  const { file, slot, watchMs } = options;
  const source = await openBundleSource(file);
  const query = new URLSearchParams({ file: basename(file), watch_ms: String(watchMs) });
  if (slot !== undefined) query.set('slot', slot);
  try {
    const answer = await agent.ask({
      method: 'POST',
      path: `/v1/local/load?${query}`,
      headers: {
        'content-type': 'application/octet-stream',
        'content-length': String(source.size),
      },
      body: source.chunks(taking(options, source.size)),
    });
    const loading = jsonOf<Loading>(answer);
    const attempts = async () => {
      const status = await agent.ask({ method: 'GET', path: '/flotilla/1/status' });
      return jsonOf<AgentStatus>(status).attempts;
    };
    const attempt = await followLoading(loading, attempts, options.onProgress);
    return { ...loading, attempt, serving: true };
  } finally {
    await source.close();
  }
}

async function loadAlone(options: LoadOptions): Promise<Loaded> {
  const { file, slot, watchMs } = options;
  const source = await openBundleSource(file);
  const { data } = options.agent;
  let isOurs = !(await exists(data));
  let taken = false;
  try {
    const agent = await createAgent({ ...options.agent, connect: false });
    try {
      const loading = await agent.load({
        source: source.chunks(taking(options, source.size)),
        where: file,
        watchMs,
        ...(slot === undefined ? {} : { slot }),
      });
      taken = true;
      const attempts = async () => agent.status().attempts;
      const attempt = await followLoading(loading, attempts, options.onProgress);
      return { ...loading, attempt, serving: false };
    } finally {
      await agent.stop();
    }
  } catch (error) {
    // another process made it meanwhile
    if (isFlotillaError(error, 'agent.in-use')) isOurs = false;
    throw error;
  } finally {
    await source.close();
    // a bundle that was refused leaves no folder behind that was not there before
    if (isOurs && !taken) await rm(data, { recursive: true, force: true });
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const taking =
  ({ onProgress }: LoadOptions, size: number) =>
  (done: number) =>
    onProgress('take in', (TAKEN_SHARE * done) / Math.max(1, size));
