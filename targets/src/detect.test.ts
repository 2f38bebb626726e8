import { describe, expect, it } from 'vitest';
import { detectTarget, deviceFacts } from './detect.ts';

describe('the target of a device', () => {
  it.each([
    ['Raspberry Pi 5 Model B Rev 1.0', 'raspberry-pi-5'],
    ['Raspberry Pi Compute Module 5 Rev 1.0', 'raspberry-pi-5'],
    ['Raspberry Pi 500 Rev 1.0', 'raspberry-pi-5'],
    ['Raspberry Pi 4 Model B Rev 1.4', 'raspberry-pi-4'],
    ['Raspberry Pi 400 Rev 1.0', 'raspberry-pi-4'],
    ['Raspberry Pi Compute Module 4 Rev 1.0', 'raspberry-pi-4'],
    ['Raspberry Pi 3 Model B Plus Rev 1.3', 'raspberry-pi-3'],
    ['Raspberry Pi Zero 2 W Rev 1.0', 'raspberry-pi-3'],
    ['NVIDIA Jetson Nano Developer Kit', 'jetson-nano'],
    ['NVIDIA Jetson Xavier NX Developer Kit', 'jetson-xavier'],
    ['Jetson-AGX Xavier', 'jetson-xavier'],
    ['NVIDIA Jetson Orin Nano Developer Kit', 'jetson-orin'],
    ['NVIDIA Jetson AGX Orin Developer Kit\0', 'jetson-orin'],
    ['NVIDIA Orin NX Developer Kit', 'jetson-orin'],
    ['NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super', 'jetson-orin'],
  ])('with board %j is %s', (board, target) => {
    expect(detectTarget({ board, arch: 'arm64' })).toBe(target);
    expect(detectTarget({ board, arch: 'aarch64' })).toBe(target);
  });

  it.each([
    ['Raspberry Pi Compute Module 4S Rev 1.0', 'brcm,bcm2711', 'raspberry-pi-4'],
    ['Raspberry Pi 2 Model B Rev 1.2', 'brcm,bcm2837', 'raspberry-pi-3'],
    ['Jetson-AGX', 'nvidia,tegra194', 'jetson-xavier'],
    ['reComputer J4012', 'nvidia,tegra234', 'jetson-orin'],
    ['', 'brcm,bcm2712', 'raspberry-pi-5'],
    ['NVIDIA Jetson TX2 Developer Kit', 'nvidia,tegra186', undefined],
    ['Rockchip RK3588 EVB', 'rockchip,rk3588', undefined],
    ['', 'constructor', undefined],
  ])('with board %j on %s is %s', (board, soc, target) => {
    expect(detectTarget({ board, soc, arch: 'aarch64' })).toBe(target);
    expect(detectTarget({ board, soc, arch: 'armv7l' })).toBeUndefined();
  });

  it('is not known on a 32-bit system or an unknown board', () => {
    expect(detectTarget({ board: 'Raspberry Pi 4 Model B Rev 1.4', arch: 'arm' })).toBeUndefined();
    expect(detectTarget({ board: 'Raspberry Pi Model B Rev 2', arch: 'arm64' })).toBeUndefined();
    expect(detectTarget({ board: 'Rockchip RK3588', arch: 'arm64' })).toBeUndefined();
    expect(detectTarget({})).toBeUndefined();
  });

  it('follows from the architecture on a PC and in a browser', () => {
    expect(detectTarget({ arch: 'x64' })).toBe('x86-64');
    const runtime = { name: 'onnxruntime-web', version: '1.30.0', maxOpset: 21 };
    const providers = ['webgpu', 'wasm'];
    expect(detectTarget({ arch: 'wasm32', runtimes: [{ ...runtime, providers }] })).toBe(
      'browser-webgpu',
    );
    expect(detectTarget({ arch: 'wasm32' })).toBe('browser-wasm');
  });

  it('is the declared one where it was declared and exists', () => {
    expect(detectTarget({ arch: 'x64', target: 'jetson-orin', declared: true })).toBe(
      'jetson-orin',
    );
    expect(detectTarget({ arch: 'x64', target: 'jetson-orin' })).toBe('x86-64');
    expect(detectTarget({ arch: 'x64', target: 'toaster', declared: true })).toBe('x86-64');
  });
});

describe('the facts of a device', () => {
  const reported = {
    target: 'raspberry-pi-5',
    declared: false,
    board: '',
    arch: 'x64',
    os: 'linux',
    cpuModel: '',
    cores: 4,
    memoryBytes: 1000,
    diskFreeBytes: 0,
    cpuFeatures: ['asimddp'],
    runtimes: [{ name: 'onnxruntime', version: '1.30.0', maxOpset: 23, providers: ['cpu'] }],
  };

  it('keep the target that the device itself found', () => {
    expect(deviceFacts(reported)).toMatchObject({
      target: 'raspberry-pi-5',
      memoryBytes: 1000,
      maxOpset: 23,
      cpuFeatures: ['asimddp'],
    });
  });

  it('fill in what it did not', () => {
    expect(deviceFacts({ ...reported, target: '', runtimes: [] })).toMatchObject({
      target: 'x86-64',
      maxOpset: 0,
    });
    expect(deviceFacts({ ...reported, target: 'toaster', arch: 'mips' }).target).toBe('');
  });
});
