/** The agent as a device gets it: one file, unpacked into an empty folder of a bare system. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { packAgent } from '../../scripts/agent-package/pack.ts';
import { isArch, partsOf } from '../../scripts/agent-package/parts.ts';
import { createBed } from '../support/fleet.ts';
import { rollOut, untilEnded } from '../support/rollouts.ts';
import { until } from '../support/until.ts';

const LONG = process.env.FLOTILLA_LONG === '1';
const ROOT = resolve(import.meta.dirname, '../..');
const arch = isArch(process.arch) ? process.arch : 'x64';

describe('the package of the agent', () => {
  let place: string;
  let file: string;
  /** What lies in the package, after unpacking. */
  let unpacked: string;

  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'flotilla-package-'));
    const packed = await packAgent(arch, join(place, 'built'));
    file = packed.file;
    await mkdir(join(place, 'device'));
    execFileSync('tar', ['-xzf', file, '-C', join(place, 'device')]);
    const [top = '', ...others] = await readdir(join(place, 'device'));
    expect(others).toEqual([]);
    unpacked = join(place, 'device', top);
    // what was built is gone: nothing may reach for it
    await rm(packed.folder, { recursive: true });
  }, 180_000);
  afterAll(() => rm(place, { recursive: true }));

  const onDevice = (command: string, args: readonly string[], cwd = unpacked) =>
    promisify(execFile)(join(unpacked, command), args, { cwd, env: { PATH: '/usr/bin:/bin' } });

  test('starts from any folder and tells its version and help', async () => {
    const { version } = JSON.parse(await readFile(join(unpacked, 'package.json'), 'utf8'));
    const { stdout } = await onDevice('flotilla-agent', ['--version'], '/');
    expect(stdout).toBe(`${version}\n`);
    const help = await onDevice('flotilla-agent', ['--help']);
    expect(help.stdout).toContain('enroll --server URL --token TOKEN');
  });

  test('finds its runtimes and all else that the doctor looks for', async () => {
    const data = join(place, 'data');
    const { stdout } = await onDevice('flotilla-agent', ['doctor', '--json', '--data', data]);
    const { checks } = JSON.parse(stdout) as { checks: { name: string; verdict: string }[] };
    expect(checks).toContainEqual(expect.objectContaining({ name: 'runtimes', verdict: 'ok' }));
  });

  test('holds every package that the bundles load, whole', async () => {
    const names = partsOf(arch).map((part) => part.package);
    const loaded = ['onnxruntime-node', 'sharp', 'koffi'];
    const script = `
      const { createRequire } = require('node:module');
      const from = createRequire(process.cwd() + '/flotilla-agent.js');
      for (const name of ${JSON.stringify(loaded)}) from(name);
      const paths = ${JSON.stringify(names)}.map((name) =>
        require('node:fs').realpathSync('node_modules/' + name + '/package.json'));
      const sharp = from('sharp');
      const pixel = { width: 1, height: 1, channels: 3, background: 'red' };
      sharp({ create: pixel }).raw().toBuffer().then((raw) =>
        console.log(JSON.stringify({ paths, raw: [...raw] })));`;
    const { stdout } = await onDevice('bin/node', ['-e', script], join(unpacked, 'lib'));
    const { paths, raw } = JSON.parse(stdout);
    expect(raw).toEqual([255, 0, 0]);
    expect(paths).toHaveLength(names.length);
    for (const path of paths) expect(path).toContain(`${unpacked}/lib/node_modules/`);
  });

  test('holds a launcher that needs nothing of the agent', async () => {
    const launcher = await readFile(join(unpacked, 'lib/flotilla-agent-launcher.js'), 'utf8');
    const imported = [...launcher.matchAll(/\bfrom ?"([^"]+)"/g)].map(([, name]) => name);
    expect(imported.length).toBeGreaterThan(3);
    expect(imported.filter((name) => !name?.startsWith('node:'))).toEqual([]);
  });

  test.runIf(LONG)(
    'gives way to the next one, of which a device fetches what changed',
    async () => {
      const bed = await createBed();
      onTestFinished(() => bed.close());
      const server = await bed.server();
      const data = join(bed.folder, 'press');
      const token = await server.claimToken();
      const who = ['--server', server.url, '--token', token, '--target', 'x86-64'];
      await onDevice('flotilla-agent', ['enroll', '--data', data, ...who]);
      const options = ['launch', '--data', data, '--http', '127.0.0.1:0'];
      const env = { PATH: '/usr/bin:/bin' };
      const launcher = spawn(join(unpacked, 'flotilla-agent'), options, { env, stdio: 'ignore' });
      onTestFinished(async () => {
        const ended = once(launcher, 'exit');
        launcher.kill('SIGTERM');
        await ended;
      });
      for (const release of [1, 2]) {
        const { code, stderr } = await server.cli('agent', 'push', file);
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        const rollout = await until('a device that updates itself', () =>
          rollOut(server.api, release, { model: '_agent' }),
        );
        const { state, devices } = await untilEnded(server.api, rollout, 120_000);
        expect({ state, devices }).toMatchObject({ state: 'done', devices: [{ code: '' }] });
        const at = JSON.parse(await readFile(join(data, 'agent/launch.json'), 'utf8'));
        expect(at).toEqual({ format: 1, active: release === 1 ? 'a' : 'b' });
        const { pid } = JSON.parse(await readFile(join(data, 'agent.json'), 'utf8'));
        expect(await readlink(`/proc/${pid}/exe`)).toBe(join(data, 'agent', at.active, 'bin/node'));
        // all parts of the second are those of the first, but for what names it
        const { bytes = 0 } = devices[0]?.transfer ?? {};
        expect(bytes > 1e6).toBe(release === 1);
        // the one before is gone
        expect(await readdir(join(data, 'agent'))).toEqual([at.active, 'launch.json']);
      }
    },
    300_000,
  );

  test('points nowhere outside of itself', async () => {
    const entries = await readdir(unpacked, { recursive: true, withFileTypes: true });
    expect(entries.filter((entry) => entry.isSymbolicLink())).toEqual([]);
    for (const entry of entries.filter((entry) => entry.isFile())) {
      const content = await readFile(join(entry.parentPath, entry.name));
      expect(content.includes(ROOT), entry.name).toBe(false);
    }
  });

  test('has the same bytes when it is built again', async () => {
    const again = await packAgent(arch, join(place, 'again'));
    expect(again.bytes).toBeGreaterThan(1e6);
    expect((await readFile(again.file)).equals(await readFile(file))).toBe(true);
  }, 180_000);
});
