/**
 * What judging a rollout costs the server: the first look reads a day of hours of every device, each
 * further one what has changed since.
 *
 *   node test/bench/evidence.ts [devices] [--json]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { LogHistogram } from '@flotilla/model';
import type { Window } from '@flotilla/protocol';
import { type OpenDatabase, openDatabase } from '../../fleet-server/src/db/open.ts';
import { assignDeployment } from '../../fleet-server/src/devices/deployments.ts';
import { createRollout } from '../../fleet-server/src/rollouts/create.ts';
import { gatherEvidence } from '../../fleet-server/src/rollouts/evidence.ts';
import { judgeGates } from '../../fleet-server/src/rollouts/gates/index.ts';
import { readRollout } from '../../fleet-server/src/rollouts/store.ts';
import { createTelemetrySums } from '../../fleet-server/src/rollouts/sums.ts';
import { deviceId, digestOf, FLEET, seedFleet } from '../../fleet-server/src/rollouts/testing.ts';
import { emptyWindow, packWindow } from '../../fleet-server/src/telemetry/merge.ts';
import { HOUR_MS } from '../../fleet-server/src/telemetry/rollups.ts';
import { createDraws } from '../simulation/draws.ts';

const NOW = 500_000 * HOUR_MS + HOUR_MS / 2;
const HOURS = 24;
/** Devices that send a window between two looks, at one window in 10 s and a look in 1 s. */
const CHANGED = 0.1;
const LOOKS = 10;

const draws = createDraws(1);

function hourOf(inferences: number): Window {
  const latency = new LogHistogram();
  for (let i = 0; i < 100; i++) latency.record(30_000 * Math.exp(draws.normal(0, 0.3)));
  return {
    ...emptyWindow(),
    inferences,
    latencyUs: latency.toWire(),
    confidence: { count: inferences, mean: 0.85, m2: inferences * 0.02, min: 0.1, max: 1 },
    classCounts: draws.multinomial(inferences, [0.4, 0.3, 0.2, 0.1]),
    confidenceBins: new Array<number>(20).fill(5),
    resources: { rssBytes: 3e8, cpuMs: 1, temperatureC: 50, throttled: false, bytesWritten: 0 },
  };
}

async function putHour(
  { db }: OpenDatabase,
  subjects: readonly string[],
  startMs: number,
  inferences: number,
): Promise<void> {
  for (let i = 0; i < subjects.length; i += 200) {
    const rows = subjects.slice(i, i + 200).map((subject) => ({
      ...{ fleet: FLEET, scope: 'deployment', subject, model: 'parts', version: 1 },
      ...{ grain_ms: HOUR_MS, start_ms: startMs, inferences, errors: 0 },
      body: packWindow(hourOf(inferences)),
    }));
    await db
      .insertInto('telemetry_rollups')
      .values(rows)
      .onConflict((on) =>
        on
          .columns(['fleet', 'scope', 'subject', 'model', 'version', 'grain_ms', 'start_ms'])
          .doUpdateSet((e) => ({
            inferences: e.ref('excluded.inferences'),
            body: e.ref('excluded.body'),
          })),
      )
      .execute();
  }
}

async function deployAll({ db }: OpenDatabase, devices: number, version: number) {
  const ids: string[] = [];
  for (let i = 0; i < devices; i++) {
    const order = {
      ...{ fleet: FLEET, device: deviceId(i), slot: 'parts', model: 'parts' },
      ...{ version, precision: 'fp32', digest: digestOf(`x86-64-${version}`), bytes: 1000 },
      ...{ role: 'active' as const, targetPath: `parts/${version}/x86-64/fp32` },
    };
    ids.push(await assignDeployment(db, order, NOW - HOURS * HOUR_MS));
  }
  await db.updateTable('deployments').set({ result: 'committed' }).execute();
  return ids;
}

/** A rollout under which all devices have run the new version for some minutes. */
async function seed(database: OpenDatabase, devices: number) {
  await seedFleet(database.db, { devices, versions: 2 });
  const before = await deployAll(database, devices, 1);
  const end = NOW - (NOW % HOUR_MS);
  for (let hour = 1; hour <= HOURS; hour++) {
    await putHour(database, before, end - hour * HOUR_MS, 7200);
  }
  const request = { model: 'parts', version: 2, waves: ['100%'] };
  const { id } = await createRollout(database, FLEET, request, { actor: 'bench', now: NOW });
  const after = await deployAll(database, devices, 2);
  for (const [i, deployment] of after.entries()) {
    await database.db
      .updateTable('rollout_members')
      .set({
        ...{ deployment, state: 'committed', started: 1, sent_ms: NOW },
        base_digest: digestOf('x86-64-1'),
      })
      .where('device', '=', deviceId(i))
      .execute();
  }
  await putHour(database, after, end, 200);
  return { id, after, end };
}

async function measure(database: OpenDatabase, devices: number) {
  const { id, after, end } = await seed(database, devices);
  const rollout = await readRollout(database.db, FLEET, id);
  const sums = createTelemetrySums();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const look = async () => {
    delay.reset();
    delay.enable();
    const [start, cpu] = [performance.now(), process.cpuUsage()];
    const evidence = await gatherEvidence(database.db, rollout, NOW, sums);
    const verdicts = judgeGates(evidence, rollout.settings.gates);
    const ms = performance.now() - start;
    const { user, system } = process.cpuUsage(cpu);
    delay.disable();
    const cpuMs = (user + system) / 1000;
    return { ms, cpuMs, delayMs: delay.max / 1e6, pairs: evidence.pairs.length, verdicts };
  };
  const first = await look();
  const later: Awaited<ReturnType<typeof look>>[] = [];
  for (let i = 1; i <= LOOKS; i++) {
    const changed = after.filter(() => draws.uniform() < CHANGED);
    await putHour(database, changed, end, 200 + i * 20);
    later.push(await look());
  }
  const median = (of: (one: (typeof later)[number]) => number) =>
    later.map(of).sort((a, b) => a - b)[LOOKS / 2] ?? 0;
  return {
    devices,
    compared: first.pairs,
    firstMs: first.ms,
    firstDelayMs: first.delayMs,
    laterMs: median(({ ms }) => ms),
    laterCpuMs: median(({ cpuMs }) => cpuMs),
    laterDelayMs: median(({ delayMs }) => delayMs),
  };
}

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const folder = await mkdtemp(join(tmpdir(), 'flotilla-bench-'));
try {
  const database = await openDatabase({ kind: 'sqlite', file: join(folder, 'fleet.db') });
  const figures = await measure(database, Number(positionals[0] ?? 1000));
  await database.close();
  if (values.json) console.log(JSON.stringify(figures));
  else
    console.table(Object.fromEntries(Object.entries(figures).map(([k, v]) => [k, Math.round(v)])));
} finally {
  await rm(folder, { recursive: true });
}
