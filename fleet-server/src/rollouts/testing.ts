import type { Outcome, Result, Sync, Window } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import type { SqlDialect } from '../db/dialect.ts';
import type { Database } from '../db/schema.ts';
import { ingestOutcome as ingestReport } from '../devices/ingest.ts';
import type { IngestHandlers, RecordSource } from '../devices/ingest-port.ts';
import { ingestTelemetry } from '../telemetry/ingest.ts';
import { emptyWindow } from '../telemetry/merge.ts';
import { addToRollups } from '../telemetry/rollups.ts';
import { ingestOutcome } from './outcome.ts';
import { ingestRunning } from './running.ts';

export const FLEET = 'main';
export const digestOf = (label: string): string =>
  `sha256:${Buffer.from(label).toString('hex').padEnd(64, '0').slice(0, 64)}`;
/** Ids that sort as they count. */
export const deviceId = (i: number): string =>
  `01j0000000000000000000${String(i).padStart(4, '0')}`;

type Db = Kysely<Database>;

/** A fleet of devices of one target, and versions of one model that suit them. */
export async function seedFleet(
  db: Db,
  { devices, versions }: { devices: number; versions: number },
): Promise<void> {
  await db
    .insertInto('fleets')
    .values({
      fleet: FLEET,
      created_ms: 0,
      generation: 1,
      halted: 0,
      halt_counter: 0,
      halt_signed: '',
    })
    .execute();
  for (let i = 0; i < devices; i++) await seedDevice(db, i, 'x86-64');
  for (let version = 1; version <= versions; version++) await seedVersion(db, version, ['x86-64']);
}

export async function seedDevice(db: Db, i: number, target: string): Promise<void> {
  await db
    .insertInto('devices')
    .values({
      fleet: FLEET,
      device: deviceId(i),
      name: `device ${i}`,
      status: 'accepted',
      public_key: '{}',
      target,
      target_fixed: 1,
      tags: JSON.stringify({ site: i % 2 === 0 ? 'lyon' : 'metz' }),
      capabilities: JSON.stringify({
        arch: 'x64',
        memoryBytes: 2 ** 33,
        runtimes: [{ name: 'onnxruntime', version: '1.30', maxOpset: 21, providers: ['cpu'] }],
      }),
      agent_version: '1',
      protocol_minor: 1,
      enrolled_ms: 0,
      online: 1,
      connect_seq: 1,
      last_seen_ms: 0,
      active: '[]',
      digests: '[]',
      revision: 1,
      edits: 0,
    })
    .execute();
}

export async function seedVersion(
  db: Db,
  version: number,
  targets: readonly string[],
  fleet = FLEET,
  precisions: readonly string[] = ['fp32'],
): Promise<void> {
  await db
    .insertInto('versions')
    .values({
      fleet,
      model: 'parts',
      version,
      status: 'ready',
      source_digest: '',
      created_by: 'test',
      created_ms: 0,
    })
    .execute();
  const both = targets.flatMap((target) => precisions.map((precision) => ({ target, precision })));
  for (const { target, precision } of both) {
    await db
      .insertInto('variants')
      .values({
        fleet,
        model: 'parts',
        version,
        target,
        precision,
        digest: digestOf(`${target}-${version}${precision === 'fp32' ? '' : precision}`),
        manifest_bytes: 100,
        bytes: 1000,
        memory_bytes: 1000,
        opset: 17,
        target_path: `parts/${version}/${target}/${precision}`,
        epoch: 1,
        within_budget: 1,
        report: JSON.stringify({ accuracy: { variant: 0.9 } }),
        created_ms: 0,
      })
      .execute();
  }
  await listTargets(db, fleet);
}

/** Has the targets metadata list every variant of the fleet, as the server does that signs it. */
async function listTargets(db: Db, fleet: string): Promise<void> {
  const variants = await db.selectFrom('variants').selectAll().where('fleet', '=', fleet).execute();
  const targets = variants.map(({ target_path, digest, manifest_bytes: length }) => [
    target_path,
    { length, hashes: { sha256: digest.slice('sha256:'.length) } },
  ]);
  // what lists more is newer
  const version = variants.length;
  const body = JSON.stringify({ signed: { version, targets: Object.fromEntries(targets) } });
  const row = { fleet, role: 'targets' as const, version, body, expires_ms: 4e12 };
  await db
    .insertInto('tuf_metadata')
    .values(row)
    .onConflict((on) => on.columns(['fleet', 'role', 'version']).doUpdateSet({ body }))
    .execute();
}

/** How a device takes a bundle: what its attempt ends with, and the code that goes with it. */
export type Behavior = (
  version: number,
  attempt: number,
  precision?: string,
) => { result: Result; code?: string };

export const healthy: Behavior = () => ({ result: 'RESULT_COMMITTED' });

interface Pair {
  readonly deployment: string;
  readonly attempt: number;
  readonly digest: string;
  readonly version: number;
  readonly precision: string;
}

/** What a device's agent does, without its bytes: begins each pair once, repeats what it said. */
export class SimulatedDevice {
  readonly id: string;
  behavior: Behavior;
  /** What serves. */
  running: Pair | undefined;
  /** Begun and not ended. */
  #attempt: Pair | undefined;
  readonly #begun = new Set<string>();
  /** Said and not yet taken in by the server. */
  readonly said: Outcome[] = [];

  constructor(id: string, behavior: Behavior = healthy) {
    this.id = id;
    this.behavior = behavior;
  }

  /** Takes the desired state as the database has it now. */
  async sync(db: Db, slot = 'parts'): Promise<void> {
    const row = await db
      .selectFrom('slots')
      .selectAll()
      .where('fleet', '=', FLEET)
      .where('device', '=', this.id)
      .where('slot', '=', slot)
      .executeTakeFirst();
    if (row === undefined) return;
    const wanted =
      row.mode === 'absent'
        ? undefined
        : await db
            .selectFrom('deployments')
            .select(['deployment', 'attempt', 'digest', 'version', 'precision'])
            .where('fleet', '=', FLEET)
            .where('deployment', '=', row.active)
            .executeTakeFirst();
    const same =
      this.#attempt?.deployment === wanted?.deployment &&
      this.#attempt?.attempt === wanted?.attempt;
    if (this.#attempt !== undefined && !same) {
      this.#end(this.#attempt, 'RESULT_FAILED', 'deployment.superseded');
    }
    if (row.mode === 'absent') {
      if (this.running !== undefined) this.#say(this.running, 'RESULT_REMOVED');
      this.running = undefined;
      await this.#reportActive(db, slot);
    } else if (wanted !== undefined) this.#begin(wanted);
  }

  #begin(pair: Pair): void {
    const key = `${pair.deployment}/${pair.attempt}`;
    if (this.#begun.has(key)) return;
    this.#begun.add(key);
    this.#attempt = pair;
    this.#say(pair, 'RESULT_IN_PROGRESS');
  }

  /** Ends the attempt under way as the device's behavior has it. */
  async step(db: Db, slot = 'parts'): Promise<void> {
    const pair = this.#attempt;
    if (pair === undefined) return;
    const { result, code = '' } = this.behavior(pair.version, pair.attempt, pair.precision);
    if (result === 'RESULT_IN_PROGRESS') return;
    if (result === 'RESULT_COMMITTED') {
      this.running = pair;
      await this.#reportActive(db, slot);
    }
    this.#end(pair, result, code);
  }

  #end(pair: Pair, result: Result, code: string): void {
    this.#attempt = undefined;
    this.#say(pair, result, code);
  }

  #say({ deployment, attempt, digest }: Pair, result: Result, code = ''): void {
    const known = { bytesDone: 0, bytesTotal: 0, detail: '', slot: 'parts', digest };
    this.said.push({ deployment, attempt, result, code, step: 'download', ...known });
  }

  /** What the device repeats in `sync`, as the server takes it in. */
  async #reportActive(db: Db, slot: string): Promise<void> {
    const { running } = this;
    const active =
      running === undefined ? [] : [{ ...running, slot, model: 'parts', precision: 'fp32' }];
    await db
      .updateTable('devices')
      .set({ active: JSON.stringify(active) })
      .where('fleet', '=', FLEET)
      .where('device', '=', this.id)
      .execute();
    await ingestRunning(db, sourceOf(this.id, 0), { active, outcomes: [] }, () => undefined);
  }
}

const sourceOf = (device: string, receivedMs: number): RecordSource => ({
  fleet: FLEET,
  device,
  at: { wallMs: receivedMs, monotonicMs: 0, clockSynced: true },
  receivedMs,
  via: 'outbox',
});

/** Takes in records as the server does. */
export function createIntake(db: Db, dialect: SqlDialect, touch: (rollout: string) => void) {
  const handlers: IngestHandlers = {
    outcome: (trx, source, outcome, deployment) =>
      ingestOutcome(trx, source, outcome, deployment, touch),
    window: (trx, source, window) =>
      ingestTelemetry(trx, source, window, ({ rollout }) => touch(rollout)),
    rollUp: (trx, additions) => addToRollups(trx, dialect, additions),
    running: (trx, source, sync) => ingestRunning(trx, source, sync, touch),
  };
  const settle = async (take: (trx: Db) => ReturnType<IngestHandlers['window']>) => {
    const result = await db.transaction().execute(async (trx) => {
      const taken = await take(trx);
      if (taken.stored && taken.rollUp !== undefined) await handlers.rollUp(trx, [taken.rollUp]);
      return taken;
    });
    if (result.stored) result.after?.();
    return result;
  };
  return {
    outcome: (device: string, outcome: Outcome, now: number) =>
      settle((trx) => ingestReport(trx, handlers, sourceOf(device, now), outcome)),
    running: (device: string, said: Pick<Sync, 'active' | 'outcomes'>, now: number) =>
      settle((trx) => ingestRunning(trx, sourceOf(device, now), said, touch)),
    window: (device: string, window: Window, now: number) =>
      settle((trx) => handlers.window(trx, sourceOf(device, now), window)),
  };
}

/** A window of a running deployment with so many inferences, all of one confidence. */
export function windowOf(
  { deployment, digest }: Pick<Pair, 'deployment' | 'digest'>,
  startMs: number,
  {
    inferences,
    confidence,
    classCounts = [inferences],
    ...rest
  }: Partial<Window> & {
    inferences: number;
    confidence?: Window['confidence'];
  },
): Window {
  return {
    ...emptyWindow(),
    slot: 'parts',
    deployment,
    digest,
    startMs,
    lengthMs: 10_000,
    inferences,
    classCounts,
    confidence: confidence ?? null,
    ...rest,
  };
}

export const sure = (count: number, mean: number) => ({
  count,
  mean,
  m2: count * 0.01,
  min: 0,
  max: 1,
});
