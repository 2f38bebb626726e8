import { writeFileSync } from 'node:fs';
import { mkdtemp, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Capabilities } from '@flotilla/protocol';
import { describe, expect, onTestFinished, test } from 'vitest';
import { BOARDS, type BoardName, plantTree, type Tree } from '../../testing/boards.ts';
import { readCapabilities } from './capabilities.ts';
import { readCondition } from './condition.ts';
import { createDevice } from './device.ts';
import { systemFiles } from './system-files.ts';

async function plant(tree: Tree) {
  const { root, remove } = await plantTree(tree);
  onTestFinished(remove);
  return { root, files: systemFiles(root) };
}

async function capabilitiesOf(board: BoardName, arch = 'aarch64') {
  const { root, files } = await plant(BOARDS[board]);
  return readCapabilities({ data: root, target: '', runtimes: [], files, arch });
}

/** What each board must be known by. */
const KNOWN: Record<BoardName, Partial<Capabilities>> = {
  'raspberry-pi-5': {
    target: 'raspberry-pi-5',
    board: 'Raspberry Pi 5 Model B Rev 1.0',
    soc: 'brcm,bcm2712',
    cpuModel: 'Cortex-A76',
    cores: 4,
    cpuFeatures: ['asimd', 'fphp', 'asimdhp', 'asimdrdm', 'asimddp'],
    memoryBytes: 8256560 * 1024,
    os: 'Debian GNU/Linux 12 (bookworm)',
    kernel: 'Linux 6.6.51+rpt-rpi-2712',
    cameras: ['video0: HD Pro Webcam C920 (usb)', 'imx708_wide 10-001a (csi)'],
    powerMode: 'ondemand',
    jetpack: '',
    container: '',
    readOnlyRoot: false,
  },
  'raspberry-pi-4': {
    target: 'raspberry-pi-4',
    cpuModel: 'Cortex-A72',
    cpuFeatures: ['asimd'],
    cameras: ['ov5647 10-0036 (csi)'],
    readOnlyRoot: true,
  },
  'raspberry-pi-3': { target: 'raspberry-pi-3', cpuModel: 'Cortex-A53', cameras: [] },
  'raspberry-pi-5-docker': {
    target: 'raspberry-pi-5',
    board: 'Raspberry Pi 5 Model B Rev 1.0',
    container: 'docker',
    memoryBytes: 512 << 20,
  },
  'jetson-nano': {
    target: 'jetson-nano',
    soc: 'nvidia,tegra210',
    jetpack: '4.6.1 (L4T 32.7.1)',
    powerMode: '5W',
    cpuModel: 'Cortex-A57',
    cameras: ['imx219 7-0010 (csi)'],
  },
  'jetson-xavier-agx': {
    target: 'jetson-xavier',
    jetpack: '5.1.3 (L4T 35.5)',
    cpuModel: 'Carmel',
    cores: 8,
  },
  'jetson-xavier-nx': { target: 'jetson-xavier', jetpack: '5.1.2 (L4T 35.4.1)' },
  'jetson-orin-nano': {
    target: 'jetson-orin',
    jetpack: '6.2 (L4T 36.4.3)',
    powerMode: 'MAXN_SUPER',
    cpuModel: 'Cortex-A78AE',
  },
  'jetson-orin-nx': {
    target: 'jetson-orin',
    board: 'reComputer J4012',
    soc: 'nvidia,tegra234',
    jetpack: '6 (L4T 36.9)',
    container: 'podman',
  },
  'jetson-agx-orin': {
    target: 'jetson-orin',
    soc: 'nvidia,tegra234',
    jetpack: '6.0 (L4T 36.3)',
  },
  'x86-vnni': {
    target: 'x86-64',
    board: 'ASUSTeK COMPUTER INC. NUC14RVK',
    cpuModel: 'Intel(R) Core(TM) Ultra 5 125H',
    cores: 2,
    cpuFeatures: ['sse4_2', 'avx', 'f16c', 'fma', 'avx2', 'avx_vnni'],
  },
  'x86-no-vnni': { target: 'x86-64', board: 'ASRock J4105-ITX', cpuFeatures: ['sse4_2'] },
};

describe('capabilities', () => {
  test.each(Object.keys(KNOWN) as BoardName[])('of %s', async (board) => {
    const arch = board.startsWith('x86') ? 'x86_64' : 'aarch64';
    expect(await capabilitiesOf(board, arch)).toMatchObject(KNOWN[board]);
  });

  test('of a system that tells nothing are empty and no error', async () => {
    const { root, files } = await plant({ 'proc/cpuinfo': '' });
    const found = await readCapabilities({ data: root, target: '', runtimes: [], files, arch: '' });
    expect(found).toMatchObject({ target: '', board: '', cores: 0, memoryBytes: 0, cameras: [] });
    expect(found.diskBytes).toBeGreaterThan(0);
  });

  test('name the declared target, whatever the board is', async () => {
    const { root, files } = await plant(BOARDS['raspberry-pi-4']);
    const options = { data: root, target: 'tflite', runtimes: [], files, arch: 'aarch64' };
    expect(await readCapabilities(options)).toMatchObject({ target: 'tflite', declared: true });
  });

  test('leave out video nodes that udev knows not to capture', async () => {
    const { root, files } = await plant({
      ...BOARDS['raspberry-pi-5'],
      'run/udev/data/c81:0': 'E:ID_V4L_PRODUCT=x\nE:ID_V4L_CAPABILITIES=:video_output:\n',
      'run/udev/data/c81:1': 'E:ID_V4L_CAPABILITIES=:capture:\n',
    });
    const options = { data: root, target: '', runtimes: [], files, arch: 'aarch64' };
    const { cameras } = await readCapabilities(options);
    expect(cameras).toEqual(['video1: HD Pro Webcam C920 (usb)', 'imx708_wide 10-001a (csi)']);
  });

  test('of this machine are those that its kernel tells', async () => {
    const found = await readCapabilities({ data: tmpdir(), target: '', runtimes: [] });
    expect(found.cores).toBeGreaterThan(0);
    expect(found.memoryBytes).toBeGreaterThan(1 << 20);
    expect(found.kernel).toMatch(/^Linux \d/);
  });
});

describe('condition', () => {
  const conditionOf = async (board: BoardName) => readCondition((await plant(BOARDS[board])).files);

  test('of a Raspberry Pi tells what its firmware does now, not what it did', async () => {
    expect(await conditionOf('raspberry-pi-5')).toEqual({
      temperatureC: 84.35,
      throttledBy: ['the supply voltage is too low', 'the firmware throttles the processor'],
      bytesWritten: 0,
    });
    expect(await conditionOf('raspberry-pi-3')).toMatchObject({ throttledBy: [] });
    expect(await conditionOf('raspberry-pi-4')).toMatchObject({ temperatureC: 47.712 });
  });

  test('of a Jetson is that of its hottest real zone, and fans slow nothing down', async () => {
    expect(await conditionOf('jetson-nano')).toMatchObject({ temperatureC: 52, throttledBy: [] });
    expect(await conditionOf('jetson-orin-nano')).toMatchObject({
      temperatureC: 99.5,
      throttledBy: ['the kernel cools with cpu-throttle-alert'],
    });
  });

  test('of a PC at rest is not throttled', async () => {
    expect(await conditionOf('x86-vnni')).toMatchObject({ temperatureC: 0, throttledBy: [] });
  });
});

test('resources count what was written and spent since the call before', async () => {
  const io = (bytes: number) => `rchar: 1\nwrite_bytes: ${bytes}\ncancelled_write_bytes: 0\n`;
  const { root, files } = await plant({ 'proc/self/io': io(5000) });
  const device = createDevice({ data: root, target: '', runtimes: [], files, arch: '' });
  expect(await device.resources()).toMatchObject({ bytesWritten: 5000, throttled: false });
  writeFileSync(join(root, 'proc/self/io'), io(7000));
  expect(await device.resources()).toMatchObject({ bytesWritten: 2000 });
  expect((await device.resources()).bytesWritten).toBe(0);
});

test('a file that never ends is cut', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-files-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  expect(await systemFiles('/dev').text('zero')).toBe('');
  writeFileSync(join(folder, 'long'), 'x'.repeat(1 << 20));
  expect(await systemFiles(folder).text('long')).toHaveLength(256 << 10);
  await unlink(join(folder, 'long'));
  expect(await systemFiles(folder).text('long')).toBe('');
});
