import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Updateable } from 'kysely';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPostgres } from '../../../../test/support/postgres.ts';
import { type OpenDatabase, openDatabase } from '../../db/open.ts';
import type { RolloutMembersTable } from '../../db/schema-telemetry.ts';
import { createRollout } from '../create.ts';
import { addEvent, readRollout, writeVerdicts } from '../store.ts';
import { FLEET, seedFleet } from '../testing.ts';
import { memberKey, pageMembers } from './members.ts';
import { readProgress } from './progress.ts';

const postgres = await startPostgres();
afterAll(() => postgres?.stop());

const KINDS = postgres === undefined ? (['sqlite'] as const) : (['sqlite', 'postgres'] as const);
const DEVICES = 10;
const NOW = 1_800_000_000_000;

describe.each(KINDS)('progress on %s', (kind) => {
  let folder: string;
  let database: OpenDatabase;
  let id: string;
  /** Devices in the order of the waves: 1, 5 and 10 of them, cumulative. */
  let order: string[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-progress-'));
    database = await openDatabase(
      kind === 'sqlite'
        ? { kind, file: join(folder, 'fleet.db') }
        : { kind, url: await postgres!.createDatabase() },
    );
    await seedFleet(database.db, { devices: DEVICES, versions: 1 });
    const request = { model: 'parts', version: 1, waves: ['1', '50%', '100%'], soakMs: 60_000 };
    const draft = await createRollout(database, FLEET, request, { actor: 'token:test', now: NOW });
    id = draft.id;
    order = draft.members.map(({ device }) => device);
  });
  afterEach(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });

  const set = (positions: readonly number[], change: Updateable<RolloutMembersTable>) =>
    database.db
      .updateTable('rollout_members')
      .set(change)
      .where('fleet', '=', FLEET)
      .where('rollout', '=', id)
      .where('position', 'in', positions)
      .execute();
  const setRollout = (change: { state?: string; wave?: number; halted_by?: string }) =>
    database.db.updateTable('rollouts').set(change).where('rollout', '=', id).execute();
  const read = async (now = NOW) =>
    readProgress(database.db, await readRollout(database.db, FLEET, id), now);

  it('counts each wave by how its devices stand', async () => {
    await setRollout({ wave: 1 });
    await set([0], { state: 'committed', deployment: 'd', ended_ms: NOW - 90_000 });
    await set([1], { state: 'committed', deployment: 'd', ended_ms: NOW - 1000 });
    await set([2], { state: 'in-progress', deployment: 'd', started: 1, step: 'selfTest' });
    await set([3], { state: 'rolled-back', deployment: 'd', ended_ms: NOW - 5000 });
    await database.db
      .updateTable('devices')
      .set({ online: 0 })
      .where('device', '=', order[2]!)
      .execute();
    const { waves, ...rest } = await read();
    expect(waves).toEqual([
      { index: 0, state: 'passed', size: 1, reaches: 1, counts: { committed: 1 } },
      {
        ...{ index: 1, state: 'open', size: 4, reaches: 5 },
        counts: { committed: 1, 'in-progress': 1, 'rolled-back': 1, pending: 1 },
      },
      { index: 2, state: 'waiting', size: 5, reaches: 10, counts: { pending: 5 } },
    ]);
    expect(rest).toMatchObject({
      ...{ asked: 4, inFlight: 1, away: 1, takenLastMinute: 1, firstFailureMs: NOW - 5000 },
      waitsFor: {
        what: 'devices',
        sentence:
          'wave 2 of 3: 1 device at work (1 self-test; 1 of them not connected), 1 device still to be asked',
      },
    });
  });

  it('tells the steps that most devices are at, and no words of their own', async () => {
    await setRollout({ wave: 2 });
    const steps = ['watch', 'commit', 'watch', 'verify', 'download', 'activate', 'watch', 'verify'];
    for (const [position, step] of [...steps, 'its own word', 'its own word'].entries()) {
      await set([position], { state: 'in-progress', deployment: 'd', started: 1, step });
    }
    expect((await read()).waitsFor.sentence).toBe(
      'wave 3 of 3: 10 devices at work (3 watch, 2 verify, 1 activate, 1 commit)',
    );
  });

  it('counts the way back once it has begun', async () => {
    await setRollout({ wave: 0, state: 'halted', halted_by: 'operator' });
    await set([0], { state: 'failed', back_state: 'committed' });
    await set([1, 2], { state: 'committed', back_state: 'in-progress' });
    const { waves, waitsFor } = await read();
    expect(waves[0]).toMatchObject({ state: 'stopped', counts: { 'rolled-back': 1 } });
    expect(waves[1]?.counts).toMatchObject({ 'rolling-back': 2 });
    expect(waitsFor.sentence).toBe('2 devices on the way back to the version before');
  });

  it('says which gate is waited for, and until when at the latest', async () => {
    await setRollout({ wave: 0 });
    await set([0], { state: 'committed', ended_ms: NOW - 10_000 });
    expect((await read()).waitsFor).toEqual({
      what: 'soak',
      sentence: 'wave 1 of 3 to have soaked, then wave 2 of 3 opens',
      untilMs: NOW + 50_000,
    });
    const verdict = { gate: 'errors', state: 'waiting', sentence: '3 of 50', numbers: {} } as const;
    const rollout = await readRollout(database.db, FLEET, id);
    await writeVerdicts(database.db, rollout, [verdict], NOW);
    expect((await read()).waitsFor).toEqual({
      what: 'gate',
      sentence: 'wave 1 of 3: 3 of 50',
      untilMs: NOW - 10_000 + rollout.settings.maxSoakMs,
    });
    expect((await read()).needsApproval).toBe(false);
    const suspicious = { ...verdict, numbers: { odds: 40 } };
    await writeVerdicts(database.db, rollout, [suspicious], NOW);
    expect(await read()).toMatchObject({
      waitsFor: {
        ...{ what: 'decision', untilMs: 0 },
        sentence: 'wave 1 of 3: 3 of 50; approve the next wave or abort if it stays so',
      },
      needsApproval: true,
    });
  });

  it('says when it waits for a person, a window, a start, or another attempt', async () => {
    const settle = async (settings: object, change = {}) => {
      const stored = { ...(await readRollout(database.db, FLEET, id)).settings, ...settings };
      await database.db
        .updateTable('rollouts')
        .set({ settings: JSON.stringify(stored), ...change })
        .where('rollout', '=', id)
        .execute();
      return (await read()).waitsFor;
    };
    expect(await settle({ startMs: NOW + 5000 }, { wave: -1 })).toMatchObject({
      ...{ what: 'start', untilMs: NOW + 5000 },
    });
    expect(await settle({ startMs: 0, approval: 'each' })).toEqual({
      ...{ what: 'approval', sentence: 'an approver to let wave 1 of 3 open', untilMs: 0 },
    });
    // 1,800,000,000 s is 08:00 on a Friday
    const maintenance = [{ from: '09:00', to: '10:00' }];
    expect(await settle({ maintenance }, { wave: 0, approved_wave: 1 })).toEqual({
      what: 'window',
      sentence:
        'wave 1 of 3: 0 devices at work, 1 device still to be asked when their maintenance window opens',
      untilMs: NOW + 3_600_000,
    });
    await set([0], { state: 'failed', due_ms: NOW + 7000 });
    expect(await settle({ maintenance: [] })).toEqual({
      what: 'retries',
      sentence: 'wave 1 of 3: 1 device to be tried again',
      untilMs: NOW + 7000,
    });
    await set([0], { state: 'failed', due_ms: 0, ended_ms: NOW - 70_000 });
    expect(await settle({})).toMatchObject({
      ...{ what: 'approval', sentence: 'an approver to let wave 2 of 3 open' },
    });
    expect((await read()).needsApproval).toBe(true);
    expect(await settle({}, { approved_wave: 2 })).toMatchObject({ what: 'devices' });
    expect(await settle({}, { state: 'paused' })).toMatchObject({ what: 'resume' });
    await set([1, 2, 3, 4, 5, 6, 7, 8, 9], { state: 'committed', ended_ms: NOW - 60_000 });
    const shadow = { state: 'running', kind: 'shadow', wave: 2 };
    expect(await settle({ kind: 'shadow', shadow: { maxHours: 2 } }, shadow)).toEqual({
      what: 'promotion',
      sentence: 'a person to promote or abort it',
      untilMs: NOW + 7_200_000,
    });
  });

  it('pages through the members, and through those of one wave or state', async () => {
    await set([2, 7], { state: 'failed' });
    const rollout = await readRollout(database.db, FLEET, id);
    const all: string[] = [];
    for (let after = ''; ; ) {
      const rows = await pageMembers(database.db, rollout, { after, limit: 3 });
      all.push(...rows.map(({ device }) => device));
      const last = rows.at(-1);
      if (last === undefined) break;
      after = memberKey(last);
    }
    expect(all).toEqual(order);
    const some = async (filter: object) =>
      (await pageMembers(database.db, rollout, { after: '', limit: 100, ...filter })).map(
        ({ position }) => position,
      );
    expect(await some({ wave: 1 })).toEqual([1, 2, 3, 4]);
    expect(await some({ state: 'failed' })).toEqual([2, 7]);
    expect(await some({ wave: 2, state: 'failed' })).toEqual([7]);
    await expect(pageMembers(database.db, rollout, { after: 'x', limit: 3 })).rejects.toMatchObject(
      { code: 'request.invalid' },
    );
  });

  it('tells the strata with the most devices, and the newest events', async () => {
    await set([0, 1, 2], { stratum: 'x86-64 / lyon' });
    await set([3, 4], { stratum: 'x86-64 / metz', state: 'committed' });
    await set([5, 6, 7, 8, 9], { stratum: 'x86-64 / kiel' });
    for (let i = 0; i < 120; i++)
      await addEvent(database.db, { fleet: FLEET, id }, 'retry', `${i}`, NOW + i);
    const { strata, furtherStrata, events } = await read();
    expect(strata).toEqual([
      { stratum: 'x86-64 / kiel', size: 5, counts: { pending: 5 } },
      { stratum: 'x86-64 / lyon', size: 3, counts: { pending: 3 } },
      { stratum: 'x86-64 / metz', size: 2, counts: { committed: 2 } },
    ]);
    expect(furtherStrata).toBe(0);
    expect([events.length, events.at(-1)?.sentence]).toEqual([100, '119']);
  });

  it('counts late joiners in the last wave', async () => {
    await set([9], { position: 1000, state: 'pending' });
    const { waves } = await read();
    expect(waves.at(-1)?.counts).toEqual({ pending: 5 });
  });
});
