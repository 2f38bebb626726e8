import type { SystemFiles } from './system-files.ts';

/** JetPack releases by the revision of L4T (NVIDIA, JetPack Archive). */
const JETPACKS: Readonly<Record<string, string>> = {
  '32.3.1': '4.3',
  '32.4.3': '4.4',
  '32.4.4': '4.4.1',
  '32.5': '4.5',
  '32.5.1': '4.5.1',
  '32.6.1': '4.6',
  '32.7.1': '4.6.1',
  '32.7.2': '4.6.2',
  '32.7.3': '4.6.3',
  '32.7.4': '4.6.4',
  '32.7.5': '4.6.5',
  '32.7.6': '4.6.6',
  '35.1': '5.0.2',
  '35.2.1': '5.1',
  '35.3.1': '5.1.1',
  '35.4.1': '5.1.2',
  '35.5': '5.1.3',
  '35.6': '5.1.4',
  '35.6.1': '5.1.5',
  '36.3': '6.0',
  '36.4': '6.1',
  '36.4.3': '6.2',
  '36.4.4': '6.2.1',
};

/** Of a revision that the table lacks, the line of releases that it belongs to. */
const LINES: Readonly<Record<string, string>> = { 32: '4', 34: '5', 35: '5', 36: '6', 38: '7' };

/** `6.2 (L4T 36.4.3)`, from `# R36 (release), REVISION: 4.3, …`; empty where it is no Jetson. */
export async function readJetpack(files: SystemFiles): Promise<string> {
  const text = await files.text('etc/nv_tegra_release');
  const [, major, minor] = /R(\d+)\s*\(release\),\s*REVISION:\s*([\d.]+)/.exec(text) ?? [];
  if (major === undefined || minor === undefined) return '';
  const revision = `${major}.${minor}`.replace(/\.0$/, '');
  const release = JETPACKS[revision] ?? LINES[major];
  return release === undefined ? `L4T ${revision}` : `${release} (L4T ${revision})`;
}

/**
 * The mode that `nvpmodel` keeps in a file, which needs no root to read: `pmode:0000`, a number of
 * a row `< POWER_MODEL ID=0 NAME=MAXN >` of its configuration. Elsewhere, the governor.
 */
export async function readPowerMode(files: SystemFiles): Promise<string> {
  const [status, modes, governor] = await Promise.all([
    files.text('var/lib/nvpmodel/status'),
    files.text('etc/nvpmodel.conf'),
    files.text('sys/devices/system/cpu/cpu0/cpufreq/scaling_governor'),
  ]);
  const id = /^pmode:\s*(\d+)/m.exec(status)?.[1];
  if (id === undefined) return governor;
  const rows = modes.matchAll(/<\s*POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+)/g);
  const named = [...rows].find(([, row]) => Number(row) === Number(id));
  return named?.[2] ?? `mode ${Number(id)}`;
}
