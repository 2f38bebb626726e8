import type { Agent, Storage } from '@flotilla/agent';
import { openOutbox } from '../../../agent/src/core/outbox/outbox.ts';
import { createFullDisk } from '../../../agent/src/testing/full-disk.ts';
import {
  createPowerCutStorage,
  type Loss,
  type PowerCutStorage,
} from '../../../agent/src/testing/power-cut-storage.ts';
import { ask, type Bed, createBed, runs, settle, soon } from './bed.ts';
import type { Hit } from './hit.ts';

const LOSSES: readonly Loss[] = ['nothing', 'names', 'torn'];

/** A device that runs version 1 and has not heard of version 2, which its fleet wants. */
export interface StorageWorld {
  readonly bed: Bed;
  readonly before: PowerCutStorage;
  /** Changes that the storage sees in a whole life, and those that write content. */
  readonly operations: number;
  readonly writes: number;
}

export async function createStorageWorld(): Promise<StorageWorld> {
  const bed = createBed();
  const storage = createPowerCutStorage();
  await bed.want(1);
  const first = await bed.start(storage);
  await settle(first, 1);
  await first.stop();
  await bed.want(2);
  const before = storage.restart('nothing');
  const rehearsal = before.restart('nothing');
  const disk = createFullDisk(rehearsal);
  const ended = await live(bed, disk, () => false);
  if (!ended) throw new Error('a life without a fault does not come to its end');
  return { bed, before, operations: rehearsal.operations, writes: disk.writes };
}

/**
 * A life from the start, over inferences and the whole deployment of version 2, to a clean stop,
 * which stores the last windows.
 *
 * @param isOver true once nothing more can come of it
 * @returns whether version 2 was committed
 */
async function live(bed: Bed, storage: Storage, isOver: () => boolean): Promise<boolean> {
  const agent = await bed.start(storage).catch(() => undefined);
  if (agent === undefined) return false;
  const infer = () => ask(agent).catch(() => undefined);
  await infer();
  await soon('the deployment', () => isOver() || runs(agent, 2));
  await infer();
  await agent.stop().catch(() => undefined);
  return runs(agent, 2);
}

/** The power goes at one operation after the other, each after the restart from the one before. */
export async function cutPower(
  { bed, before }: StorageWorld,
  cuts: readonly { readonly at: number; readonly loss: Loss }[],
  where: string,
): Promise<Hit> {
  bed.fleet.records.clear();
  let storage = before.restart('nothing');
  let owed: string[] = [];
  for (const { at, loss } of cuts) {
    const current = storage;
    current.cutAt(at);
    await live(bed, current, () => current.operations >= at);
    current.cut();
    owed = [...owed, ...(await recorded(current.restart(loss)))];
    storage = current.restart(loss);
  }
  return converge(bed, storage, owed, where);
}

export const lossOf = (number: number): Loss => LOSSES[number % LOSSES.length] ?? 'nothing';

/** Keys of the records that lie on the medium: the device owes them to the server. */
async function recorded(storage: Storage): Promise<string[]> {
  const outbox = await openOutbox(storage, () => '');
  return outbox.pending(0, Number.MAX_SAFE_INTEGER).map(({ seq }) => `${outbox.id}/${seq}`);
}

/** What answers after the restart, and whether all that was owed arrives. */
async function converge(
  bed: Bed,
  storage: Storage,
  owed: readonly string[],
  where: string,
): Promise<Hit> {
  const { fleet } = bed;
  const { agent, ...answered } = await restart(bed, storage);
  await settle(agent, 2);
  if ((await ask(agent)) !== 2) throw new Error(`${where}: committed, and does not serve`);
  await agent.stop();
  const missing = owed.filter((key) => !fleet.records.has(key)).length;
  const committed = fleet.outcomes().some(({ result }) => result === 'RESULT_COMMITTED');
  return { where, ...answered, lost: missing + (committed ? 0 : 1) };
}

const servedOf = (version: number): Hit['served'] =>
  version === 1 ? 'old' : version === 2 ? 'new' : 'nothing';

async function restart(bed: Bed, storage: Storage) {
  const startMs = performance.now();
  const agent = await bed.start(storage);
  const version = await ask(agent).catch(() => 0);
  const serveMs = performance.now() - startMs;
  const served = servedOf(version);
  return { agent, served, serveMs };
}

/**
 * The disk is full from one write on: the agent goes on, is killed, starts on the full disk, and
 * takes the model once there is room; where it gave the attempt up, at the server's next one.
 */
export async function fillDisk(
  { bed, before }: StorageWorld,
  write: number,
  where: string,
): Promise<Hit> {
  const { fleet } = bed;
  fleet.records.clear();
  const storage = before.restart('nothing');
  const disk = createFullDisk(storage);
  disk.fullFrom(write);
  await live(bed, disk, () => disk.refused > 3 || hasFailed(bed));
  const medium = storage.restart('torn');
  const owed = await recorded(storage.restart('torn'));
  const full = createFullDisk(medium);
  full.fullFrom(0);
  const { agent, ...answered } = await restart(bed, full);
  await stillAnswers(agent);
  full.fullFrom(Number.POSITIVE_INFINITY);
  await soon('an end of the attempt', () => runs(agent, 2) || hasFailed(bed));
  if (!runs(agent, 2)) await bed.want(2, 2);
  await settle(agent, 2);
  await agent.stop();
  await bed.want(2);
  const missing = owed.filter((key) => !fleet.records.has(key)).length;
  return { where, ...answered, lost: missing };
}

const hasFailed = ({ fleet }: Bed): boolean =>
  fleet.outcomes().some(({ result }) => result !== 'RESULT_COMMITTED');

/** It has met the full disk a few times, and is none the worse for it. */
async function stillAnswers(agent: Agent): Promise<void> {
  for (let i = 0; i < 3; i++) {
    const version = await ask(agent);
    if (version !== 1 && version !== 2) throw new Error(`version ${version} answers`);
  }
}
