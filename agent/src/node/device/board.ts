import type { SystemFiles } from './system-files.ts';

export interface Board {
  /** What the maker calls it; empty where nothing tells. */
  readonly board: string;
  /** System on chip, as device trees name it: `brcm,bcm2712`. Empty on a PC. */
  readonly soc: string;
}

/** NVIDIA's chip ids, as `/sys/devices/soc0/soc_id` and `nv_boot_control.conf` have them. */
const TEGRA_CHIPS: Readonly<Record<number, string>> = {
  33: 'nvidia,tegra210',
  24: 'nvidia,tegra186',
  25: 'nvidia,tegra194',
  35: 'nvidia,tegra234',
  38: 'nvidia,tegra264',
};

/**
 * The board from its device tree, or from DMI on a PC. Docker hides `/sys/firmware`, where the
 * device tree lies: then `/proc/cpuinfo` (Raspberry Pi) and `/sys/devices/soc0` (Jetson) tell.
 */
export async function readBoard(files: SystemFiles): Promise<Board> {
  const [model, compatible, dmi, cpuInfo, machine, tegra] = await Promise.all([
    files.text('proc/device-tree/model'),
    files.parts('proc/device-tree/compatible'),
    readDmi(files),
    files.text('proc/cpuinfo'),
    files.text('sys/devices/soc0/machine'),
    readTegra(files),
  ]);
  const told = /^Model\s*:\s*(.+)$/m.exec(cpuInfo)?.[1] ?? '';
  return { board: model || told || machine || dmi, soc: compatible.at(-1) || tegra };
}

async function readTegra(files: SystemFiles): Promise<string> {
  const [family, id, boot] = await Promise.all([
    files.text('sys/devices/soc0/family'),
    files.number('sys/devices/soc0/soc_id'),
    files.text('etc/nv_boot_control.conf'),
  ]);
  const written = /^TEGRA_CHIPID\s+(0x[0-9a-f]+)/im.exec(boot)?.[1];
  const chip = family === 'Tegra' && id !== undefined ? id : Number(written);
  return TEGRA_CHIPS[chip] ?? '';
}

/** What makers leave in DMI where they should name the product. */
const UNNAMED =
  /^(system product name|system manufacturer|default string|to be filled|o\.e\.m|none|not specified|unknown)/i;

async function readDmi(files: SystemFiles): Promise<string> {
  const read = async (name: string) => {
    const text = await files.text(`sys/class/dmi/id/${name}`);
    return UNNAMED.test(text) ? '' : text;
  };
  const [vendor, product, boardVendor, board] = await Promise.all(
    ['sys_vendor', 'product_name', 'board_vendor', 'board_name'].map(read),
  );
  return (product ? `${vendor} ${product}` : `${boardVendor} ${board}`).trim();
}
