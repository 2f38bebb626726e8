import { readFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { detectTarget, type TargetId } from '@flotilla/targets';
import { thisProcessor } from './latency.ts';

/** The hardware class of this machine; undefined where it is none that Flotilla knows. */
export async function hostTarget(): Promise<TargetId | undefined> {
  const tree = await readFile('/proc/device-tree/model', 'latin1').catch(() => '');
  return detectTarget({
    arch: arch(),
    board: tree.replaceAll('\0', ''),
    cpuModel: thisProcessor(),
  });
}
