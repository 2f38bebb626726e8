import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isFlotillaError } from '@flotilla/protocol';
import type { Insertable } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres } from '../../../test/support/postgres.ts';
import { type OpenDatabase, openDatabase } from '../db/open.ts';
import type { DeviceGroupsTable, DevicesTable } from '../db/schema.ts';
import { deviceId, FLEET, seedFleet } from '../rollouts/testing.ts';
import { checkStrata, takeSelector } from './check-keys.ts';
import { resolveSelector } from './resolve.ts';
import { selectIds } from './select.ts';
import { whyNone } from './why-none.ts';

const postgres = await startPostgres();
afterAll(() => postgres?.stop());

const KINDS = postgres === undefined ? (['sqlite'] as const) : (['sqlite', 'postgres'] as const);
const NOW = 1_800_000_000_000;
const DEVICES = 12;

describe.each(KINDS)('selecting devices on %s', (kind) => {
  let folder: string;
  let database: OpenDatabase;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-select-'));
    database = await openDatabase(
      kind === 'sqlite'
        ? { kind, file: join(folder, 'fleet.db') }
        : { kind, url: await postgres!.createDatabase() },
    );
    await seedFleet(database.db, { devices: DEVICES, versions: 0 });
    await database.db
      .updateTable('devices')
      .set({ status: 'pending', tags: '{"site":"nice","a_b":"\\"x\\":"}' })
      .where('device', '=', deviceId(11))
      .execute();
    await addGroup({ name: 'first', kind: 'static' });
    await database.db
      .insertInto('device_group_members')
      .values([0, 1, 2].map((i) => ({ fleet: FLEET, name: 'first', device: deviceId(i) })))
      .execute();
    await addGroup({ name: 'lyon', kind: 'dynamic', selector: 'site=lyon' });
    await addGroup({ name: 'both', kind: 'dynamic', selector: 'group=first and group=lyon' });
  });

  afterAll(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });

  const addGroup = (group: Partial<Insertable<DeviceGroupsTable>> & { name: string }) =>
    database.db
      .insertInto('device_groups')
      .values({
        ...{ fleet: FLEET, kind: 'static', selector: '', created_by: 'test', created_ms: 0 },
        ...group,
      })
      .execute();

  const select = async (source: string, limits: Parameters<typeof selectIds>[3] = { now: NOW }) => {
    const selector = await resolveSelector(database.db, FLEET, source, limits);
    return selectIds(database.db, FLEET, selector, limits);
  };
  const refusal = async (run: () => Promise<unknown>) => {
    const error = await run().then(
      () => undefined,
      (caught: unknown) => caught,
    );
    if (!isFlotillaError(error, 'selector.invalid')) throw error;
    return [error.context.at, error.context.reason] as const;
  };

  it('finds what matches, by id', async () => {
    expect(await select('site=lyon')).toEqual([0, 2, 4, 6, 8, 10].map(deviceId));
    expect(await select('all', { now: NOW, accepted: true })).toHaveLength(11);
    expect(await select('all', { now: NOW, after: deviceId(9) })).toEqual([10, 11].map(deviceId));
    expect(
      await select('memory >= 8GiB and runtime.onnxruntime >= 1.9 and online=true'),
    ).toHaveLength(11 + 1);
  });

  it('asks of a few devices as of all', async () => {
    const among = [7, 2, 0, 99].map(deviceId);
    expect(await select('site=lyon', { now: NOW, among })).toEqual([0, 2].map(deviceId));
    expect(await select('group=both', { now: NOW, among })).toEqual([0, 2].map(deviceId));
    expect(await select('all', { now: NOW, among: [] })).toEqual([]);
  });

  it('knows static groups, dynamic ones, and groups of groups', async () => {
    expect(await select('group=first')).toEqual([0, 1, 2].map(deviceId));
    expect(await select('group=both')).toEqual([0, 2].map(deviceId));
    expect(await select('group in (first, lyon) and group != both')).toEqual(
      [1, 4, 6, 8, 10].map(deviceId),
    );
  });

  it('says where a group is named that is not there', async () => {
    const [at, reason] = await refusal(() => select('site=lyon and group in (lyon, frist)'));
    expect(at).toBe(31);
    expect(reason).toBe('there is no group "frist": did you mean "first"?');
  });

  it('refuses groups that contain each other', async () => {
    await addGroup({ name: 'egg', kind: 'dynamic', selector: 'group=hen' });
    await addGroup({ name: 'hen', kind: 'dynamic', selector: 'site=lyon or group=egg' });
    const [at, reason] = await refusal(() => select('all and group=hen'));
    expect(at).toBe(15);
    expect(reason).toContain('group hen > egg > hen contains itself');
  });

  it('is not held up by groups that name each other often', async () => {
    const often = (name: string) => Array(60).fill(`group=${name}`).join(' and ');
    await addGroup({ name: 'l0', kind: 'dynamic', selector: 'site=lyon' });
    for (let i = 1; i <= 12; i++) {
      await addGroup({ name: `l${i}`, kind: 'dynamic', selector: often(`l${i - 1}`) });
    }
    expect(await select('group=l12')).toHaveLength(6);
  });

  it('refuses a key that no device has, and names the nearest', async () => {
    const check = (source: string) => takeSelector(database.db, FLEET, source);
    await check('site=lyon and tag.rack!=1 and cores>1 and has a_b and group=first');
    expect(await refusal(() => check('cores>1 or sites!=lyon'))).toEqual([
      12,
      '"sites" is no key, and no device has such a tag: did you mean "site"?',
    ]);
    const [, reason] = await refusal(() => check('memroy>1GB'));
    expect(reason).toContain('did you mean "memory"?');
    expect((await refusal(() => check('rack=1')))[1]).toContain('tag.rack asks for a tag');
    expect((await refusal(() => check('axb=1')))[1]).toContain('"axb" is no key');
    expect((await refusal(() => check('x=1')))[1]).toContain('"x" is no key');
  });

  it('refuses a size whose unit was left out', async () => {
    const check = (source: string) => takeSelector(database.db, FLEET, source);
    expect(await refusal(() => check('memory >= 4'))).toEqual([
      11,
      'expected a size such as 512MB or 4GB, found "4", which has no unit: did you mean 4GB?',
    ]);
    await check('memory >= 4000000000 and disk > 0');
  });

  it('refuses to balance waves over what is neither a key nor a tag', async () => {
    const check = (...keys: string[]) => checkStrata(database.db, FLEET, keys);
    await check('target', 'site', 'tag.rack');
    await expect(check('target', 'sites')).rejects.toThrow(
      /balanced over sites, which is no key.*did you mean "site"\?/,
    );
  });

  it.each([
    ['site=paris', 'no device has site=paris (site is "lyon", "metz")'],
    ['site=lion', 'no device has site=lion (did you mean "lyon"?)'],
    ['site=paris and online=true and target=x86-64', '11 devices match all but site=paris'],
    ['site=lyon and site=metz', 'devices match all but site=metz'],
    ['site=lyon and cores > 3 and group=first', 'no device has cores > 3; 2 devices match all but'],
    ['online=false', 'no device has online=false (online is "true")'],
    ['site=lyon and site=metz and cores>1', 'no device has cores > 1'],
    ['site=nice', 'no device has site=nice'],
  ])('says why nothing matches %j', async (source, text) => {
    const selector = await resolveSelector(database.db, FLEET, source);
    expect(await selectIds(database.db, FLEET, selector, { now: NOW, accepted: true })).toEqual([]);
    const why = await whyNone(database.db, FLEET, selector, { now: NOW, accepted: true });
    expect(why).toContain(text);
  });
});

describe('a fleet of many devices', () => {
  const MANY = process.env.FLOTILLA_LONG === undefined ? 10_000 : 100_000;
  let folder: string;
  let database: OpenDatabase;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-many-'));
    database = await openDatabase({ kind: 'sqlite', file: join(folder, 'fleet.db') });
    await seedFleet(database.db, { devices: 1, versions: 0 });
    const like = await database.db.selectFrom('devices').selectAll().executeTakeFirstOrThrow();
    const capabilities = JSON.stringify({
      ...JSON.parse(like.capabilities),
      cpuFeatures: FEATURES,
    });
    for (let from = 1; from < MANY; from += 500) {
      const rows = Array.from({ length: 500 }, (_, i): Insertable<DevicesTable> => {
        const device = `01j${String(from + i).padStart(23, '0')}`;
        return { ...like, device, capabilities, tags: `{"site":"s${i % 100}"}` };
      });
      await database.db.insertInto('devices').values(rows).execute();
    }
  });
  afterAll(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });

  it.each([
    ['site=s7', 300],
    ['cores != 3 and memory >= 4GB and cpu.feature=avx2', 1000],
  ])('is gone through in little time of the processor: %s', async (source, budget) => {
    const selector = await resolveSelector(database.db, FLEET, source);
    const select = () => selectIds(database.db, FLEET, selector, { now: NOW });
    await select();
    const began = cpuMs();
    const found = await select();
    const totalMs = cpuMs() - began;
    const longestMs = await longestTurn(select);
    expect(found.length).toBeGreaterThanOrEqual(MANY / 100);
    expect(totalMs).toBeLessThan((budget * MANY) / 100_000);
    expect(longestMs).toBeLessThan(50);
  });
});

/** Processor time of this thread, which others on the machine do not lengthen. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** The longest turn of the event loop while `run` goes on. */
async function longestTurn(run: () => Promise<unknown>): Promise<number> {
  let [last, longest, running] = [cpuMs(), 0, true];
  const turn = () => {
    const now = cpuMs();
    longest = Math.max(longest, now - last);
    last = now;
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  await run();
  running = false;
  return longest;
}

const FEATURES = Array.from({ length: 40 }, (_, i) => (i === 30 ? 'avx2' : `feature_${i}`));
