import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSettings } from '../../cli/src/config.ts';
import type { Context } from '../../cli/src/context.ts';
import { run as runCommand } from '../../cli/src/run.ts';
import { enrollDevice } from '../../fleet-server/src/testing/fake-device.ts';
import { startTestServer, type TestServer } from '../../fleet-server/src/testing/test-server.ts';
import { run } from '../support/processes.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
  const sites = ['lyon', 'lyon', 'metz'];
  for (const [i, site] of sites.entries()) {
    await enrollDevice(server, { name: `press-${i}`, tags: { site } });
  }
});
afterAll(() => server.stop());

const access = () => ({ FLOTILLA_SERVER: server.url, FLOTILLA_TOKEN: server.adminToken });

/** Runs a command in this process and gives what a person reads. */
async function flotilla(...args: string[]): Promise<string> {
  const lines: string[] = [];
  const context: Context = {
    settings: readSettings(access()),
    environment: {},
    say: (text = '') => void lines.push(text),
    json: (value) => void lines.push(JSON.stringify(value)),
    columns: Number.POSITIVE_INFINITY,
    progress: () => ({ update: () => undefined, clear: () => undefined }),
    live: () => undefined,
    interrupted: new AbortController().signal,
  };
  await runCommand(args, context);
  return lines.join('\n');
}

test('a selector is tried on the devices of a fleet', async () => {
  const listed = await flotilla('device', 'list', '--devices', 'site=lyon and online=false');
  expect(listed).toMatch(/press-0.*\n.*press-1/);
  expect(listed).toContain('\n2 of 3 devices match');
  expect(listed).not.toContain('press-2');
  expect(await flotilla('device', 'list', '--devices', 'site=metz and name=press-0')).toMatch(
    /^no device matches: 1 device matches all but /,
  );
});

test('what is wrong in a selector is pointed at', async () => {
  const selector = 'site=lyon and memroy >= 4GB';
  const { code, stdout, stderr } = await run(
    'flotilla',
    ['device', 'list', '--devices', selector],
    access(),
  );
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  const [error, text, caret, ...rest] = stderr.split('\n');
  expect(error).toMatch(/^flotilla: .* at character 15: "memroy" is no key.* mean "memory"\?$/);
  expect([text, caret, rest]).toEqual([`  ${selector}`, `${' '.repeat(16)}^`, ['']]);
});

test('groups are made, changed, asked for and deleted', async () => {
  const made = await flotilla('group', 'create', 'lab', 'press-2', '--devices', 'name=press-0');
  expect(made).toBe('group lab: static, holds 2 devices');
  expect(await flotilla('group', 'add', 'lab', 'press-1', 'press-2')).toBe(
    'added 1: group lab holds 3 devices',
  );
  expect(await flotilla('group', 'remove', 'lab', '--devices', 'site=metz')).toContain('holds 2');
  const create = ['group', 'create', 'rest', '--dynamic', '--devices'];
  expect(await flotilla(...create, 'group != lab')).toBe(
    'group rest: dynamic, group != lab (1 device now)',
  );
  expect(await flotilla('group', 'change', 'rest', '--devices', 'site=metz')).toContain(
    '(1 device',
  );
  expect(await flotilla('group', 'list')).toMatch(
    /lab +static +2 devices\n.*rest +dynamic +site=metz/,
  );
  expect(await flotilla('group', 'show', 'lab')).toMatch(/press-0.*offline\n.*press-1/);
  expect(
    JSON.parse(await flotilla('group', 'show', 'rest', '--json').then(firstLine)),
  ).toMatchObject({ name: 'rest', devices: 1, ids: [expect.any(String)] });
  expect(await flotilla('device', 'list', '--devices', 'group=rest')).toContain('press-2');
  await expect(flotilla('group', 'add', 'rest', 'press-0')).rejects.toThrow('it is dynamic');
  await expect(flotilla('group', 'add', 'lab')).rejects.toThrow('takes ids or names');
  expect(await flotilla('group', 'delete', 'rest')).toContain('deleted group rest');
  await expect(flotilla('group', 'show', 'rest')).rejects.toThrow('there is no group rest');
});

const firstLine = (text: string): string => text.split('\n')[0] ?? '';
