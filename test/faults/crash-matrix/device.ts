import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JournalState } from '../../../agent/src/core/state.ts';
import { type LiveServer, startLiveServer } from '../../../agent/src/testing/live-server.ts';
import { until } from '../../support/until.ts';
import { type AgentOptions, type AgentProcess, createAgentProcess } from './agent-process.ts';
import type { Hit } from './hit.ts';
import { createOrders, type Orders } from './orders.ts';

const LONGEST_START_MS = 60_000;
const FEED_PAUSE_MS = 30;

/** A device of one slot with a small fleet of its own, and what is known of it from outside. */
export interface Device {
  readonly server: LiveServer;
  readonly orders: Orders;
  readonly process: AgentProcess;
  readonly data: string;
  /** Waits for the first answer after a start. */
  answered(): Promise<Pick<Hit, 'served' | 'serveMs'>>;
  /** Waits until the wanted version serves and is committed; wants it anew where that was undone. */
  settle(): Promise<void>;
  /** Records that the device numbered and the server never got, once all is sent. */
  missing(): Promise<number>;
  journal(): JournalState | undefined;
  close(): Promise<void>;
}

/** Makes, enrolls and starts a device, and waits until it serves its first model. */
export async function createDevice(options: AgentOptions): Promise<Device> {
  const { data } = options;
  const server = await startLiveServer();
  const orders = await createOrders(server);
  const process = await createAgentProcess(options, server.api);
  const feeding = new AbortController();
  const fed = feed(process, feeding.signal);

  async function settle(): Promise<void> {
    await until(`version ${orders.wanted} on ${data}`, async () => {
      const outcome = orders.outcome();
      if (outcome?.committed === false) orders.again();
      return outcome?.committed && (await process.ask()) === orders.wanted;
    });
  }

  process.start();
  orders.swing();
  await settle();
  return {
    server,
    orders,
    process,
    data,
    settle,
    async answered() {
      const version = await until('an answer', process.ask, LONGEST_START_MS).catch(() => 0);
      return { served: servedOf(orders, version), serveMs: performance.now() - process.startMs };
    },
    async missing() {
      await until('an empty outbox', async () => (await process.pending()) === 0);
      return gaps([...server.fleet.records.keys()]);
    },
    journal: () => readJournal(data),
    async close() {
      feeding.abort();
      await fed;
      await process.kill();
      await server.close();
    },
  };
}

/** A device that is asked all the time has windows to lose. */
async function feed(process: AgentProcess, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await process.ask().catch(() => undefined);
    await sleep(FEED_PAUSE_MS);
  }
}

/** A server that was told of a commit must not find the old model again. */
function servedOf(orders: Orders, version: number): Hit['served'] {
  if (version === orders.wanted) return 'new';
  return version === orders.old && !orders.outcome()?.committed ? 'old' : 'nothing';
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
