import { readFile, statfs } from 'node:fs/promises';
import { cpus, machine, release, totalmem, type } from 'node:os';
import type { Runtime } from '@flotilla/model';
import type { Capabilities, Resources, RuntimeInfo } from '@flotilla/protocol';
import { detectTarget } from '@flotilla/targets';
import type { Device } from '../core/index.ts';

const BOARD = '/proc/device-tree/model';
const TEMPERATURE = '/sys/class/thermal/thermal_zone0/temp';
/** Vector and matrix extensions that decide how fast a precision runs. */
const NOTABLE = /^(sse4_2|avx|fma|f16c|amx|asimd|fphp|i8mm|bf16|sve|neon)/;

export interface DeviceOptions {
  readonly data: string;
  /** Hardware class that the owner declared; empty to detect it. */
  readonly target: string;
  readonly runtimes: readonly RuntimeInfo[];
}

/** What the operating system tells of this device. */
export function createDevice(options: DeviceOptions): Device {
  let cpuBefore = process.cpuUsage();
  return {
    capabilities: () => readCapabilities(options),
    async resources() {
      const { user, system } = process.cpuUsage(cpuBefore);
      cpuBefore = process.cpuUsage();
      const milliCelsius = Number(await readText(TEMPERATURE));
      return {
        rssBytes: process.memoryUsage.rss(),
        cpuMs: Math.round((user + system) / 1000),
        temperatureC: Number.isFinite(milliCelsius) ? milliCelsius / 1000 : 0,
        throttled: false,
        bytesWritten: 0,
      } satisfies Resources;
    },
  };
}

export async function readCapabilities(options: DeviceOptions): Promise<Capabilities> {
  const [board, cpuInfo, disk] = await Promise.all([
    readText(BOARD),
    readText('/proc/cpuinfo'),
    statfs(options.data).catch(() => undefined),
  ]);
  const facts = {
    declared: options.target !== '',
    board: board.replaceAll('\0', '').trim(),
    arch: machine(),
    os: `${type()} ${release()}`,
    cpuModel: cpus()[0]?.model ?? '',
    cores: cpus().length,
    memoryBytes: totalmem(),
    diskFreeBytes: disk === undefined ? 0 : disk.bavail * disk.bsize,
    cpuFeatures: readFeatures(cpuInfo),
    runtimes: [...options.runtimes],
  };
  const target = options.target || (detectTarget({ ...facts, target: '' }) ?? '');
  return { ...facts, target };
}

export const runtimeInfo = ({ name, version, maxOpset, providers }: Runtime): RuntimeInfo => ({
  name,
  version,
  maxOpset,
  providers: [...providers],
});

/** `flags` on x86, `Features` on ARM. */
function readFeatures(cpuInfo: string): string[] {
  const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpuInfo)?.[1] ?? '';
  return line.split(/\s+/).filter((feature) => NOTABLE.test(feature));
}

/** Empty where the file is missing. */
async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
