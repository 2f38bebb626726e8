import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { runAgentCommand } from '../../testing/agent-process.ts';
import { describe as describeAction, type Host, planInstall, planUninstall } from './plan.ts';
import { readUnit, UNIT_NAME, unitText } from './unit.ts';

const HOST: Host = {
  managed: true,
  userExists: false,
  groups: ['video', 'audio'],
  folder: 'missing',
  enrolled: false,
  jetson: false,
  program: ['/opt/flotilla-agent/flotilla-agent'],
  hidden: undefined,
};
const OPTIONS = { data: '/var/lib/flotilla', user: 'flotilla', unitDir: '/etc/systemd/system' };
const UNIT = { ...OPTIONS, groups: ['video'], jetson: false, program: HOST.program };

const kinds = (host: Partial<Host>) =>
  planInstall(OPTIONS, { ...HOST, ...host }).map((action) =>
    action.kind === 'systemctl' ? action.words.join(' ') : action.kind,
  );

describe('the plan of an installation', () => {
  test('makes the user, the folder and the unit, and starts what is enrolled', () => {
    const made = ['makeUser', 'ownFolder', 'writeFile', 'daemon-reload'];
    expect(kinds({})).toEqual([...made, `enable ${UNIT_NAME}`]);
    const started = [`enable --now ${UNIT_NAME}`, `restart ${UNIT_NAME}`];
    expect(kinds({ enrolled: true, folder: 'ours' })).toEqual([...made, ...started]);
  });

  test('leaves alone what is there, and systemd where it does not rule', () => {
    expect(kinds({ userExists: true, managed: false })).toEqual(['ownFolder', 'writeFile']);
  });

  test('refuses a folder of others, and a program that its user cannot start', () => {
    expect(() => kinds({ folder: 'foreign' })).toThrow(/not an agent's/);
    expect(() => kinds({ hidden: '/root' })).toThrow(/lies in \/root.*\/opt/);
    const asRoot = { ...OPTIONS, user: 'root' };
    expect(planInstall(asRoot, { ...HOST, hidden: '/root' })).not.toHaveLength(0);
  });

  test('is undone without a loss of data, but where that is asked for', () => {
    const host = { managed: true, folder: 'ours', ownUser: true } as const;
    const plan = (purge: boolean, changes = {}) =>
      planUninstall(OPTIONS.unitDir, unitText(UNIT), purge, { ...host, ...changes }).map(
        describeAction,
      );
    const stopped = [
      `systemctl disable --now ${UNIT_NAME}`,
      `rm /etc/systemd/system/${UNIT_NAME}`,
      'systemctl daemon-reload',
    ];
    expect(plan(false)).toEqual(stopped);
    expect(plan(true)).toEqual([...stopped, 'rm -r /var/lib/flotilla', 'userdel flotilla']);
    expect(plan(true, { ownUser: false, folder: 'missing' })).toEqual(stopped);
    expect(() => plan(true, { folder: 'foreign' })).toThrow(/not an agent's/);
  });

  test('is not undone where the unit is not ours', () => {
    const host = { managed: true, folder: 'ours', ownUser: true } as const;
    for (const unit of [undefined, '[Service]\nWorkingDirectory=/\nUser=root\n']) {
      expect(() => planUninstall('/etc', unit, true, host)).toThrow(/--unit-dir/);
    }
  });
});

describe('the unit', () => {
  test('opens the devices of the GPU on a Jetson only', () => {
    expect(unitText(UNIT)).not.toContain('nvhost');
    expect(unitText({ ...UNIT, jetson: true })).toContain('DeviceAllow=char-nvhost* rw');
  });

  test('names any folder, and uninstall reads it back', () => {
    const data = '/srv/my data/100%/$HOME "x"';
    expect(readUnit(unitText({ ...UNIT, data }))).toEqual({ data, user: 'flotilla' });
  });

  const analyze = '/usr/bin/systemd-analyze';
  test.runIf(existsSync(analyze))('is one that systemd takes without a complaint', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'flotilla-unit-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    for (const [name, settings] of Object.entries({
      plain: UNIT,
      odd: { ...UNIT, data: '/srv/my data/100%/$HOME "x"', jetson: true },
    })) {
      const file = join(folder, `${name}.service`);
      await writeFile(file, unitText({ ...settings, program: ['/bin/sh', '/opt/a b/$x'] }));
      const { stdout, stderr } = await promisify(execFile)(analyze, ['verify', file]);
      expect(stdout + stderr).toBe('');
    }
  });
});

describe('flotilla-agent install', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-install-'));
    onTestFinished(() => rm(folder, { recursive: true }));
  });
  const place = () => ['--unit-dir', folder];

  test('tells what it would do and does nothing', async () => {
    const data = join(folder, 'data');
    const { code, stdout } = await runAgentCommand(
      ...['install', '--dry-run', '--data', data, '--user', 'root', ...place()],
    );
    expect(code).toBe(0);
    expect(stdout).toContain(`mkdir -p -m 0700 ${data}`);
    expect(stdout).toContain('\nType=notify\n');
    expect(existsSync(data)).toBe(false);
    expect(existsSync(join(folder, UNIT_NAME))).toBe(false);
  });

  test('refuses a folder that it could harm', async () => {
    await writeFile(join(folder, 'letter.txt'), 'dear');
    const args = ['install', '--user', 'root', ...place()];
    expect(await runAgentCommand(...args, '--data', folder)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("not an agent's"),
    });
    expect((await runAgentCommand(...args, '--data', '/')).code).toBe(2);
    expect((await runAgentCommand('install', '--user', 'a b', ...place())).code).toBe(2);
  });

  test.runIf(process.getuid?.() === 0)('is undone by uninstall, which keeps the data', async () => {
    const data = join(folder, 'data');
    await mkdir(data);
    await writeFile(join(data, 'device-key.json'), '{}');
    await writeFile(join(folder, 'elsewhere'), '');
    await symlink(join(folder, 'elsewhere'), join(data, 'link'));
    await Promise.all(
      ['data/device-key.json', 'elsewhere'].map((at) => chown(join(folder, at), 1, 1)),
    );
    const args = ['install', '--data', data, '--user', 'root', ...place()];
    expect(await runAgentCommand(...args)).toMatchObject({ code: 0, stderr: '' });
    expect(await readFile(join(folder, UNIT_NAME), 'utf8')).toContain(`ReadWritePaths=${data}\n`);
    expect((await stat(join(data, 'device-key.json'))).uid).toBe(0);
    expect((await stat(data)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, 'elsewhere'))).uid).toBe(1);

    const undone = await runAgentCommand('uninstall', ...place());
    expect(undone).toMatchObject({ code: 0, stdout: expect.stringContaining(`${data} stays`) });
    expect(existsSync(join(folder, UNIT_NAME))).toBe(false);
    expect(existsSync(join(data, 'device-key.json'))).toBe(true);
    expect((await runAgentCommand('uninstall', ...place())).code).toBe(2);
  });
});
