import { statfs } from 'node:fs/promises';
import { machine } from 'node:os';
import type { Runtime } from '@flotilla/model';
import type { Capabilities, RuntimeInfo } from '@flotilla/protocol';
import { detectTarget } from '@flotilla/targets';
import { readBoard } from './board.ts';
import { readCameras } from './cameras.ts';
import { readCpu } from './cpu.ts';
import { readJetpack, readPowerMode } from './jetson.ts';
import { readLibc } from './libc.ts';
import { hasReadOnlyRoot, readContainer, readMemory, readSystem } from './surroundings.ts';
import { type SystemFiles, systemFiles } from './system-files.ts';

export interface CapabilityOptions {
  readonly data: string;
  /** Hardware class that the owner declared; empty to detect it. */
  readonly target: string;
  readonly runtimes: readonly RuntimeInfo[];
  /** Default: that of this process. */
  readonly libc?: string;
  /** Whether the agent takes releases of itself; default: no. */
  readonly selfUpdate?: boolean;
  /** Default: those of this system. */
  readonly files?: SystemFiles;
  /** Default: as the kernel names this machine's. */
  readonly arch?: string;
}

/** What this device is and can do, and the target that follows from it. */
export async function readCapabilities(options: CapabilityOptions): Promise<Capabilities> {
  const { files = systemFiles(), arch = machine(), data } = options;
  const [board, cpu, system, disk] = await Promise.all([
    readBoard(files),
    readCpu(files),
    readSystem(files),
    statfs(data).catch(() => undefined),
  ]);
  const facts = {
    declared: options.target !== '',
    arch,
    libc: options.libc ?? readLibc(),
    selfUpdate: options.selfUpdate ?? false,
    ...board,
    ...cpu,
    ...system,
    memoryBytes: await readMemory(files),
    diskFreeBytes: disk === undefined ? 0 : disk.bavail * disk.bsize,
    diskBytes: disk === undefined ? 0 : disk.blocks * disk.bsize,
    runtimes: [...options.runtimes],
    jetpack: await readJetpack(files),
    powerMode: await readPowerMode(files),
    cameras: await readCameras(files),
    container: await readContainer(files),
    readOnlyRoot: await hasReadOnlyRoot(files),
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
