import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isFlotillaError } from '@flotilla/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startPostgres } from '../../../test/support/postgres.ts';
import { type OpenDatabase, openDatabase } from '../db/open.ts';
import { changeRollout } from '../rollouts/change.ts';
import { createRollout } from '../rollouts/create.ts';
import { deviceId, FLEET, seedFleet } from '../rollouts/testing.ts';
import { trySelector } from '../selectors/selection.ts';
import { changeGroup, changeMembers, createGroup, deleteGroup } from './groups.ts';
import { countMembers, listGroups } from './store.ts';
import { holdGroups } from './uses.ts';

const postgres = await startPostgres();
afterAll(() => postgres?.stop());

const KINDS = postgres === undefined ? (['sqlite'] as const) : (['sqlite', 'postgres'] as const);
const NOW = 1_800_000_000_000;

describe.each(KINDS)('groups on %s', (kind) => {
  let folder: string;
  let database: OpenDatabase;
  let parts: OpenDatabase & { now: () => number };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-groups-'));
    database = await openDatabase(
      kind === 'sqlite'
        ? { kind, file: join(folder, 'fleet.db') }
        : { kind, url: await postgres!.createDatabase() },
    );
    parts = { ...database, now: () => NOW };
    await seedFleet(database.db, { devices: 6, versions: 1 });
  });
  afterAll(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    for (const table of ['device_groups', 'device_group_members'] as const) {
      await database.db.deleteFrom(table).execute();
    }
  });

  const key = (name: string) => ({ fleet: FLEET, name, actor: 'token:test' });
  const devicesOf = async (name: string) =>
    (await trySelector(database.db, FLEET, `group=${name}`, NOW)).devices;
  const refusal = async (change: Promise<unknown>) => {
    const error = await change.then(
      () => undefined,
      (caught: unknown) => caught,
    );
    return isFlotillaError(error) ? `${error.code}: ${error.message}` : String(error);
  };

  it('hold the devices that were put in, and lose those that were taken out', async () => {
    const chosen = { selector: 'site=lyon', devices: [deviceId(1)] };
    await createGroup(parts, key('lab'), { kind: 'static', ...chosen });
    expect(await devicesOf('lab')).toEqual([0, 1, 2, 4].map(deviceId));
    expect(await changeMembers(parts, key('lab'), 'add', { devices: [1, 3].map(deviceId) })).toBe(
      1,
    );
    expect(await changeMembers(parts, key('lab'), 'remove', { selector: 'site=lyon' })).toBe(3);
    expect(await devicesOf('lab')).toEqual([1, 3].map(deviceId));
    expect(await countMembers(database.db, FLEET)).toEqual(new Map([['lab', 2]]));
  });

  it('name no group that is deleted while they are made', async () => {
    for (let i = 0; i < 10; i++) {
      await createGroup(parts, key(`in-${i}`), { kind: 'static' });
      const selector = `group=in-${i}`;
      await Promise.allSettled([
        deleteGroup(parts, key(`in-${i}`)),
        createGroup(parts, key(`of-${i}`), { kind: 'dynamic', selector }),
      ]);
      const names = (await listGroups(database.db, FLEET)).map(({ name }) => name);
      expect(names.includes(`of-${i}`)).toBe(names.includes(`in-${i}`));
    }
  });

  it('hold what their selector matches when they are used', async () => {
    await createGroup(parts, key('here'), { kind: 'dynamic', selector: 'site=lyon' });
    expect(await devicesOf('here')).toHaveLength(3);
    await changeGroup(parts, key('here'), 'site in (lyon, metz) and not id=*0003');
    expect(await devicesOf('here')).toEqual([0, 1, 2, 4, 5].map(deviceId));
  });

  it('refuse to contain themselves', async () => {
    await createGroup(parts, key('a'), { kind: 'dynamic', selector: 'site=lyon' });
    await createGroup(parts, key('b'), { kind: 'dynamic', selector: 'group=a' });
    await createGroup(parts, key('c'), { kind: 'dynamic', selector: 'group=b or site=metz' });
    const circle = await refusal(changeGroup(parts, key('a'), 'site=lyon or group=c'));
    expect(circle).toMatch(
      /^selector.invalid: .* at character 20: .*group a > c > b > a contains itself$/,
    );
    expect(await refusal(changeGroup(parts, key('a'), 'group = a'))).toContain('contains itself');
    expect(await devicesOf('c')).toHaveLength(6);
  });

  it('are deleted only when nothing goes by them', async () => {
    await createGroup(parts, key('a'), { kind: 'static', selector: 'site=lyon' });
    await createGroup(parts, key('b'), { kind: 'dynamic', selector: 'not group=a' });
    expect(await refusal(deleteGroup(parts, key('a')))).toContain('group b uses it');
    const request = { model: 'parts', version: 1, devices: 'group=b and site=metz' };
    const by = { actor: 'token:test', now: NOW };
    const { id } = await createRollout(database, FLEET, request, by);
    expect(await refusal(deleteGroup(parts, key('b')))).toBe(
      `group.in-use: group b cannot be deleted: rollout ${id} uses it; end or change that first`,
    );
    await changeRollout(database, { fleet: FLEET, id }, 'abort', by);
    await database.db.updateTable('rollouts').set({ ended_ms: NOW }).execute();
    await deleteGroup(parts, key('b'));
    await deleteGroup(parts, key('a'));
    expect(await listGroups(database.db, FLEET)).toEqual([]);
    expect(await countMembers(database.db, FLEET)).toEqual(new Map());
  });

  it('stay while a rollout that goes by them is made', async () => {
    const { db, dialect } = database;
    await createGroup(parts, key('a'), { kind: 'static' });
    const held = await db.transaction().execute(async (trx) => {
      await holdGroups(dialect, trx, FLEET, 'site=lyon and group=a');
      await trx.deleteFrom('device_groups').execute();
      return refusal(holdGroups(dialect, trx, FLEET, 'site=lyon and group=a'));
    });
    expect(held).toMatch(/at character 21: group "a" has been deleted$/);
  });

  it('refuse what they cannot hold, in one line', async () => {
    await createGroup(parts, key('dyn'), { kind: 'dynamic', selector: 'all' });
    await createGroup(parts, key('fix'), { kind: 'static' });
    const create = (name: string, group: Parameters<typeof createGroup>[2]) =>
      refusal(createGroup(parts, key(name), group));
    expect(await create('fix', { kind: 'static' })).toMatch(/^group.exists: /);
    expect(await create('x', { kind: 'dynamic' })).toContain('takes a selector');
    expect(await create('x', { kind: 'dynamic', selector: 'group=y' })).toContain('no group "y"');
    expect(await create('x', { kind: 'static', selector: 'sit=lyon' })).toContain('"site"');
    expect(await create('x', { kind: 'static', devices: [deviceId(99)] })).toMatch(
      /^server.not-found: /,
    );
    const add = { devices: [deviceId(0)] };
    expect(await refusal(changeMembers(parts, key('dyn'), 'add', add))).toContain('is dynamic');
    expect(await refusal(changeMembers(parts, key('fix'), 'add', {}))).toContain('no devices');
    expect(await refusal(changeGroup(parts, key('fix'), 'all'))).toContain('it is static');
    expect(await refusal(deleteGroup(parts, key('none')))).toMatch(/^server.not-found: /);
  });
});
