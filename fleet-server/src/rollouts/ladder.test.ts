import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPostgres } from '../../../test/support/postgres.ts';
import { type OpenDatabase, openDatabase } from '../db/open.ts';
import { type AdvanceContext, advanceRollout } from './advance.ts';
import { createRollout } from './create.ts';
import { nextRung } from './ladder.ts';
import { readMembers } from './members.ts';
import { readRollout } from './store.ts';
import {
  type Behavior,
  createIntake,
  deviceId,
  FLEET,
  SimulatedDevice,
  seedFleet,
  seedVersion,
} from './testing.ts';
import { viewDraft, viewEvents } from './views.ts';

const postgres = await startPostgres();
afterAll(() => postgres?.stop());
const KINDS = postgres === undefined ? (['sqlite'] as const) : (['sqlite', 'postgres'] as const);

const took = { result: 'RESULT_COMMITTED' } as const;
const failed = (code: string) => ({ result: 'RESULT_FAILED', code }) as const;

describe.each(KINDS)('the ladder of variants on %s', (kind) => {
  let folder: string;
  let database: OpenDatabase;
  let context: AdvanceContext;
  let now: number;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-ladder-'));
    database = await openDatabase(
      kind === 'sqlite'
        ? { kind, file: join(folder, 'fleet.db') }
        : { kind, url: await postgres!.createDatabase() },
    );
    await seedFleet(database.db, { devices: 1, versions: 0 });
    await seedVersion(database.db, 1, ['x86-64'], FLEET, ['int8', 'fp32']);
    now = 1_800_000_000_000;
    context = { ...database, publishDesired: async () => {}, onChange: () => undefined };
  });

  afterEach(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });

  /** Rolls version 1 out to one device that behaves so, to the end; what was tried there in turn. */
  async function rollOut(behavior: Behavior) {
    const by = { actor: 'token:test', now };
    const request = { model: 'parts', version: 1, waves: ['100%'], soakMs: 1000, retryMs: 10 };
    const gates = { maxFailedShare: 1 };
    const draft = await createRollout(database, FLEET, { ...request, gates }, by);
    const tried: string[] = [];
    const device = new SimulatedDevice(deviceId(0), (version, attempt, precision) => {
      tried.push(`${precision} ${attempt}`);
      return behavior(version, attempt, precision);
    });
    const intake = createIntake(database.db, database.dialect, () => undefined);
    const target = { fleet: FLEET, id: draft.id };
    for (let turn = 0; turn < 10; turn++) {
      await advanceRollout(context, target, { now, evidence: 'new' });
      await device.sync(database.db);
      await device.step(database.db);
      for (const outcome of device.said.splice(0)) {
        const deviates = outcome.code === 'deployment.self-test-failed';
        const selfTest = { passed: false, toleranceUsed: 3 } as never;
        await intake.outcome(device.id, { ...outcome, ...(deviates && { selfTest }) }, now);
      }
      now += 1000;
    }
    const rollout = await readRollout(database.db, FLEET, draft.id);
    const [member] = await readMembers(database.db, rollout);
    const events = (await viewEvents(database.db, rollout, 100)).map(({ sentence }) => sentence);
    return { draft, rollout, member: member!, events, tried, device };
  }

  it('tries the next variant where the first is at fault, and says so', async () => {
    const { draft, rollout, member, events, tried, device } = await rollOut((_v, _a, precision) =>
      precision === 'int8' ? failed('deployment.self-test-failed') : took,
    );
    expect((await viewDraft(draft, true, 0)).devices).toMatchObject([{ ladder: ['int8', 'fp32'] }]);
    expect(tried).toEqual(['int8 1', 'fp32 1']);
    expect(member).toMatchObject({ state: 'committed', precision: 'fp32', rung: 1, attempt: 1 });
    expect(member.reason).toMatch(/int8 failed here \(deployment.self-test-failed\), so fp32/);
    expect(events).toContainEqual(
      'int8 failed on device 0 (deployment.self-test-failed): fp32 is tried',
    );
    expect(rollout.state, 'the self-test that failed is not held against fp32').toBe('done');
    expect(device.running).toMatchObject({ version: 1, precision: 'fp32' });
  });

  it('falls back too where the device undid the activation', async () => {
    const { member, tried } = await rollOut((_v, _a, precision) =>
      precision === 'int8' ? { result: 'RESULT_ROLLED_BACK', code: 'deployment.slow' } : took,
    );
    expect(tried).toEqual(['int8 1', 'fp32 1']);
    expect(member).toMatchObject({ state: 'committed', precision: 'fp32' });
  });

  it('ends with the version before once every variant has failed', async () => {
    const { member, tried, device } = await rollOut(() => failed('deployment.too-big'));
    expect(tried).toEqual(['int8 1', 'fp32 1']);
    expect(member).toMatchObject({ state: 'failed', rung: 1, retryable: 0 });
    expect(device.running).toBeUndefined();
  });

  it('tries the same variant again for what may pass, on each rung anew', async () => {
    const { member, tried } = await rollOut((_v, attempt, precision) => {
      if (attempt === 1) return failed('download.failed');
      return precision === 'int8' ? failed('runtime.load-failed') : took;
    });
    expect(tried).toEqual(['int8 1', 'int8 2', 'fp32 1', 'fp32 2']);
    expect(member).toMatchObject({ state: 'committed', precision: 'fp32' });
  });

  it('does not change the variant for what is not its fault', async () => {
    const { member, tried } = await rollOut(() => failed('download.not-found'));
    expect(tried).toEqual(['int8 1']);
    expect(member).toMatchObject({ state: 'failed', rung: 0 });
  });
});

describe('the next rung', () => {
  it('is none for a member from before there were ladders', () => {
    expect(nextRung({ ladder: '', rung: 0 }, 'deployment.too-big')).toBeUndefined();
  });
});
