import type { SystemFiles } from './system-files.ts';

export interface Cpu {
  readonly cpuModel: string;
  readonly cores: number;
  readonly cpuFeatures: string[];
}

/** Vector and matrix extensions that decide how fast a precision runs. */
const NOTABLE = /^(sse4_2|avx|fma$|f16c|amx|asimd|fphp|i8mm|bf16|sve|neon)/;

/** Implementer and part (Main ID Register, Arm ARM D23.2.122) of the cores of such boards. */
const ARM_CORES: Readonly<Record<string, string>> = {
  '0x41 0xd03': 'Cortex-A53',
  '0x41 0xd04': 'Cortex-A35',
  '0x41 0xd05': 'Cortex-A55',
  '0x41 0xd07': 'Cortex-A57',
  '0x41 0xd08': 'Cortex-A72',
  '0x41 0xd09': 'Cortex-A73',
  '0x41 0xd0a': 'Cortex-A75',
  '0x41 0xd0b': 'Cortex-A76',
  '0x41 0xd0c': 'Neoverse-N1',
  '0x41 0xd40': 'Neoverse-V1',
  '0x41 0xd41': 'Cortex-A78',
  '0x41 0xd42': 'Cortex-A78AE',
  '0x41 0xd49': 'Neoverse-N2',
  '0x41 0xd4f': 'Neoverse-V2',
  '0x41 0xd83': 'Neoverse-V3AE',
  '0x4e 0x003': 'Denver 2',
  '0x4e 0x004': 'Carmel',
};

/** The processor from `/proc/cpuinfo`; a board with two kinds of core names both. */
export async function readCpu(files: SystemFiles): Promise<Cpu> {
  const text = await files.text('proc/cpuinfo');
  const cores = [...text.matchAll(/^processor\s*:/gm)].length;
  const flags = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(text)?.[1] ?? '';
  const named = /^model name\s*:\s*(.*)$/m.exec(text)?.[1]?.trim() ?? '';
  return {
    cpuModel: armCores(text) || named,
    cores,
    cpuFeatures: flags.split(/\s+/).filter((feature) => NOTABLE.test(feature)),
  };
}

function armCores(text: string): string {
  const parts = text.matchAll(/^CPU implementer\s*:\s*(\S+)[\s\S]*?^CPU part\s*:\s*(\S+)/gm);
  const names = [...parts].map(
    ([, implementer, part]) => ARM_CORES[`${implementer} ${part}`] ?? '',
  );
  return [...new Set(names.filter((name) => name !== ''))].join(' + ');
}
