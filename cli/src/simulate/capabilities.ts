import type { Capabilities, Draft } from '@flotilla/protocol';
import { targetById } from '@flotilla/targets';

const GIB = 2 ** 30;

/** What a device of that hardware class would say of itself. */
export function capabilitiesOf(target: string): Draft<Capabilities> {
  const arch = targetById(target)?.arch === 'arm64' ? 'arm64' : 'x64';
  return {
    target,
    declared: true,
    board: 'simulated',
    arch,
    os: 'linux',
    cores: 4,
    memoryBytes: 8 * GIB,
    diskBytes: 32 * GIB,
    diskFreeBytes: 16 * GIB,
    runtimes: [
      { name: 'onnxruntime', version: '1.30.0', maxOpset: 21, providers: ['cpu'] },
      { name: 'tflite', version: '2.19.0', maxOpset: 3, providers: ['cpu'] },
    ],
  };
}
