import { chmod, mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Capabilities } from '@flotilla/protocol';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runAgentCommand } from '../../testing/agent-process.ts';
import { BOARDS, plantTree, type Tree } from '../../testing/boards.ts';
import { TOY_CAPABILITIES } from '../../testing/core-bed.ts';
import { DEVICE_LIBRARY } from '../../testing/device-library.ts';
import { startLiveServer } from '../../testing/live-server.ts';
import { systemFiles } from '../device/system-files.ts';
import { keyPath } from '../device-key.ts';
import { enroll } from '../enroll.ts';
import { chartOf } from './chart.ts';
import { type Patient, type Result, runChecks } from './check.ts';
import { CHECKS, examine } from './examine.ts';

async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-doctor-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

const by = (results: readonly Result[], name: string) =>
  results.find((result) => result.name === name);

const ORT = { name: 'onnxruntime', version: '1', maxOpset: 26, providers: ['cpu'] };
const WELL = { found: [ORT], missing: [], ortLibrary: 'auto' };

/** What one check says of a patient who is well but for what the test changes. */
async function sayOf(name: string, changes: Partial<Patient>, tree: Tree = {}) {
  const { root, remove } = await plantTree({ 'etc/hostname': 'x', ...tree });
  onTestFinished(remove);
  const patient: Patient = {
    data: root,
    files: systemFiles(root),
    capabilities: TOY_CAPABILITIES,
    condition: { temperatureC: 50, throttledBy: [], bytesWritten: 0 },
    runtimes: WELL,
    enrolment: undefined,
    damage: undefined,
    execute: async () => undefined,
    ...changes,
  };
  const [result] = await runChecks(
    CHECKS.filter((check) => check.name === name),
    patient,
  );
  return result;
}

const able = (can: Partial<Capabilities>) => ({ capabilities: { ...TOY_CAPABILITIES, ...can } });
const answering = (stdout: string) => ({ execute: async () => ({ code: 0, stdout }) });

/** `/proc/net/route` of a device with one link. */
const defaultRoute = (link: string) =>
  [
    'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask',
    `${link}\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000`,
  ].join('\n');

describe('a check', () => {
  test('has a short name of its own', () => {
    const names = CHECKS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(Math.max(...names.map((name) => name.length))).toBeLessThanOrEqual(10);
  });

  test('that throws is a failure, and others go on', async () => {
    const patient = { capabilities: TOY_CAPABILITIES } as Patient;
    const broken = { name: 'broken', run: () => Promise.reject(new Error('no luck')) };
    const [first, second] = await runChecks([broken, ...CHECKS.slice(0, 1)], patient);
    expect(first).toMatchObject({ verdict: 'fail', finding: 'could not be checked: no luck' });
    expect(second).toMatchObject({ name: 'board', verdict: 'ok' });
  });

  test.each<[string, string, Partial<Patient>, RegExp, Tree?]>([
    ['board', 'warn', able({ target: '', board: 'Rock 5B' }), /Rock 5B; no target fits/],
    ['board', 'ok', able({ jetpack: '6.2', powerMode: 'MAXN' }), /JetPack 6.2, power mode MAXN/],
    ['processor', 'ok', able({ cpuFeatures: ['asimddp'] }), /dot product$/],
    ['processor', 'ok', able({ cpuFeatures: ['avx2'] }), /AVX2; without such, int8 saves memory/],
    ['memory', 'warn', {}, /0\.1 GB are available/, { 'proc/meminfo': 'MemAvailable: 99000 kB' }],
    [
      'heat',
      'warn',
      {
        condition: {
          temperatureC: 85,
          throttledBy: ['the supply voltage is too low'],
          bytesWritten: 0,
        },
      },
      /85 °C, throttled: the supply voltage/,
    ],
    ['runtimes', 'fail', { runtimes: { ...WELL, found: [] } }, /^none found$/],
    [
      'runtimes',
      'fail',
      { runtimes: { ...WELL, found: [], missing: [{ name: 'onnxruntime', reason: 'x' }] } },
      /^no onnxruntime: x$/,
    ],
    [
      'runtimes',
      'ok',
      { runtimes: { ...WELL, missing: [{ name: 'onnxruntime-device', reason: 'none lies' }] } },
      /no onnxruntime-device: none lies$/,
    ],
    [
      'runtimes',
      'warn',
      {
        runtimes: {
          ...WELL,
          missing: [{ name: 'onnxruntime-device', reason: 'damaged' }],
          ortLibrary: '/opt/libonnxruntime.so',
        },
      },
      /no onnxruntime-device: damaged$/,
    ],
    ['runtimes', 'warn', able({ target: 'jetson-orin' }), /the GPU is not used/],
    ['self-test', 'warn', {}, /prlimit is not installed/],
    ['self-test', 'ok', {}, /limits of memory/, { 'usr/bin/prlimit': '' }],
    ['ffmpeg', 'warn', {}, /not installed/],
    ['ffmpeg', 'ok', answering('ffmpeg version 5.1.9 Copyright'), /version 5\.1\.9/],
    ['clock', 'warn', answering('no\n'), /nothing here says/],
    ['clock', 'ok', answering('yes\n'), /synchronized/],
    ['service', 'ok', {}, /systemd does not run here/],
    [
      'service',
      'warn',
      answering('LoadState=not-found\n'),
      /not installed/,
      { 'run/systemd/system/x': '' },
    ],
    [
      'service',
      'fail',
      answering('LoadState=loaded\nActiveState=failed\nNRestarts=5\n'),
      /is failed, restarted 5 times/,
      { 'run/systemd/system/x': '' },
    ],
    ['data', 'warn', { data: '/nowhere/at/all' }, /does not exist yet/],
    ['data', 'fail', { data: '/etc/hostname' }, /cannot be written/],
    ['data', 'ok', {}, /writable, fsync takes [\d.]+ ms/],
    ['disk', 'ok', { data: '/nowhere/at/all' }, /GB free of/],
    ['enrolment', 'fail', { damage: 'device.json is not JSON' }, /is not JSON/],
    ['network', 'warn', {}, /no default route/],
    ['network', 'warn', {}, /wwan0 is metered/, { 'proc/net/route': defaultRoute('wwan0') }],
    [
      'network',
      'ok',
      answering('no (guessed)\n'),
      /eth0, not metered/,
      { 'proc/net/route': defaultRoute('eth0') },
    ],
  ])('%s gives %s', async (name, verdict, changes, finding, tree) => {
    const result = await sayOf(name, changes, tree);
    expect(result).toMatchObject({ verdict, finding: expect.stringMatching(finding) });
    if (result?.verdict !== 'ok') expect(result?.remedy).not.toBe('');
  });
});

test('the chart fits 80 columns, keeps every word, and obeys nobody', () => {
  const long = `${'word '.repeat(40)}${'x'.repeat(100)}`;
  const chart = chartOf([
    { name: 'cameras', verdict: 'ok', finding: 'Cam\u001b[2J\nera' },
    { name: 'mqtt', verdict: 'fail', finding: long, remedy: long },
  ]);
  expect(Math.max(...chart.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(chart).toContain('  ok    cameras     Cam\ufffd[2J era\n');
  expect(chart.match(/word/g)).toHaveLength(80);
  expect(chart.match(/x/g)).toHaveLength(200);
  expect(chart.split('\n').at(-1)).toBe('1 ok, 0 to look at, 1 failed');
});

describe('the doctor', () => {
  test('looks at a device that is in no fleet, and makes nothing', async () => {
    const data = join(await tempFolder(), 'device');
    const { code, stdout, stderr } = await runAgentCommand('doctor', '--data', data, '--json');
    const { checks } = JSON.parse(stdout) as { checks: Result[] };
    expect(checks.map(({ name }) => name)).toEqual(CHECKS.map(({ name }) => name));
    expect(by(checks, 'runtimes')?.finding).toMatch(/onnxruntime .*opset \d+.*; tflite /);
    expect(by(checks, 'enrolment')).toMatchObject({ verdict: 'warn' });
    const failed = checks.filter(({ verdict }) => verdict === 'fail').map(({ name }) => name);
    expect(code).toBe(failed.length > 0 ? 1 : 0);
    expect(stderr).toContain(failed.join(', '));
    await expect(unlink(data)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('misses no fleet on a device that is loaded by hand', async () => {
    const data = await tempFolder();
    await writeFile(join(data, 'journal.json'), '{}');
    expect(await sayOf('enrolment', { data })).toMatchObject({
      verdict: 'ok',
      finding: expect.stringContaining('loaded by hand'),
    });
  });

  test('reaches the server and the broker of an enrolled device, or says that it does not', async () => {
    const data = join(await tempFolder(), 'device');
    const server = await startLiveServer();
    await enroll({ server: server.api, token: 'clm_good', data });
    const well = await examine(data);
    expect(by(well, 'enrolment')).toMatchObject({ verdict: 'ok' });
    expect(by(well, 'server')).toMatchObject({ verdict: 'ok' });
    expect(by(well, 'mqtt')).toMatchObject({ verdict: 'ok' });
    expect(by(well, 'agent')).toMatchObject({ verdict: 'warn' });
    await server.close();
    await chmod(keyPath(data), 0o644);
    const { code, stdout, stderr } = await runAgentCommand('doctor', '--data', data);
    expect(code).toBe(1);
    expect(stdout).toContain('  fail  mqtt');
    expect(stderr).toMatch(/^flotilla-agent: not well: .*enrolment, server, mqtt; do what/);
  });

  test("finds the device's own library where the owner names it, or says what ails it", async () => {
    const folder = await tempFolder();
    const data = join(folder, 'device');
    const well = by(await examine(data, { ortLibrary: DEVICE_LIBRARY }), 'runtimes');
    expect(well).toMatchObject({
      verdict: 'ok',
      finding: expect.stringContaining('onnxruntime-device 1.'),
    });
    const text = join(folder, 'libonnxruntime.so');
    await writeFile(text, 'no library');
    expect(by(await examine(data, { ortLibrary: text }), 'runtimes')).toMatchObject({
      verdict: 'warn',
      finding: expect.stringContaining('no onnxruntime-device'),
      remedy: expect.stringContaining('--ort-library'),
    });
  });

  test('names the file that is damaged', async () => {
    const data = await tempFolder();
    await writeFile(join(data, 'root.json'), '{}');
    await writeFile(join(data, 'device.json'), '{"format":');
    expect(by(await examine(data), 'enrolment')).toMatchObject({
      verdict: 'fail',
      finding: expect.stringContaining('device.json'),
    });
  });

  test('sees a board as its own files tell', async () => {
    const { root, remove } = await plantTree(BOARDS['raspberry-pi-5']);
    onTestFinished(remove);
    const results = await examine(join(root, 'data'), { files: systemFiles(root) });
    expect(by(results, 'heat')).toMatchObject({ remedy: expect.stringContaining('power supply') });
    expect(by(results, 'cameras')?.finding).toContain('imx708_wide');
  });
});
