import type { SystemFiles } from './system-files.ts';

/** What the agent runs in: `docker`, `podman`, another name, or empty on the device itself. */
export async function readContainer(files: SystemFiles): Promise<string> {
  const [docker, podman] = await Promise.all([
    files.names('.', /^\.dockerenv$/),
    files.names('run', /^\.containerenv$/),
  ]);
  if (docker.length > 0) return 'docker';
  if (podman.length > 0) return 'podman';
  const [manager, groups] = await Promise.all([
    files.text('run/systemd/container'),
    files.text('proc/1/cgroup'),
  ]);
  return manager || (/\/(docker|kubepods|lxc|containerd)\b/.exec(groups)?.[1] ?? '');
}

export async function hasReadOnlyRoot(files: SystemFiles): Promise<boolean> {
  const mounts = (await files.text('proc/self/mounts')).split('\n');
  const root = mounts.map((line) => line.split(' ')).findLast(([, at]) => at === '/');
  return root?.[3]?.split(',').includes('ro') ?? false;
}

/** Memory in bytes that this process may use: the machine's, or the limit of its control group. */
export async function readMemory(files: SystemFiles): Promise<number> {
  const kilobytes = /^MemTotal:\s*(\d+) kB/m.exec(await files.text('proc/meminfo'))?.[1];
  const total = Number(kilobytes ?? 0) * 1024;
  const limits = await readLimits(files);
  return Math.min(total, ...limits.filter((limit) => limit > 0));
}

/** `memory.max` of the group and of those above it (cgroup v2); without a limit it says "max". */
async function readLimits(files: SystemFiles): Promise<number[]> {
  const own = /^0::(\/.*)$/m.exec(await files.text('proc/self/cgroup'))?.[1] ?? '/';
  const names = own.split('/').filter((name) => name !== '' && name !== '..');
  const groups = names.map((_, i) => names.slice(0, i + 1).join('/'));
  const read = (group: string) => files.number(`sys/fs/cgroup/${group}/memory.max`);
  const limits = await Promise.all(['', ...groups].map(read));
  return limits.filter((limit) => limit !== undefined);
}

/** `Debian GNU/Linux 12 (bookworm)` and `Linux 6.6.51+rpt-rpi-2712`. */
export async function readSystem(files: SystemFiles): Promise<{ os: string; kernel: string }> {
  const [release, type, version] = await Promise.all([
    files.text('etc/os-release'),
    files.text('proc/sys/kernel/ostype'),
    files.text('proc/sys/kernel/osrelease'),
  ]);
  const kernel = `${type} ${version}`.trim();
  return { os: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(release)?.[1] || kernel, kernel };
}
