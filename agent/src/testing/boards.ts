import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Content by path below the root; one that begins with `->` is a symbolic link. */
export type Tree = Readonly<Record<string, string>>;

const ARM_FEATURES = {
  v8_0: 'fp asimd evtstrm crc32 cpuid',
  v8_2: 'fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp',
} as const;

const armCpu = (features: string, part: string, cores: number, implementer = '0x41', tail = '') =>
  Array.from(
    { length: cores },
    (_, i) =>
      `processor\t: ${i}\nBogoMIPS\t: 108.00\nFeatures\t: ${features}\nCPU implementer\t: ${implementer}\nCPU architecture: 8\nCPU variant\t: 0x4\nCPU part\t: ${part}\nCPU revision\t: 1\n`,
  ).join('\n') + tail;

const piOs = (kernel: string): Tree => ({
  'etc/os-release': 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\n',
  'proc/sys/kernel/ostype': 'Linux\n',
  'proc/sys/kernel/osrelease': `${kernel}\n`,
});

const CAMERA_USB: Tree = {
  'sys/class/video4linux/video0/name': 'HD Pro Webcam C920\n',
  'sys/class/video4linux/video0/index': '0\n',
  'sys/class/video4linux/video0/dev': '81:0\n',
  'sys/class/video4linux/video0/device/subsystem': '->../../../../bus/usb',
  'sys/class/video4linux/video1/name': 'HD Pro Webcam C920\n',
  'sys/class/video4linux/video1/index': '1\n',
  'sys/class/video4linux/video1/dev': '81:1\n',
  'sys/class/video4linux/video1/device/subsystem': '->../../../../bus/usb',
};

/** What lies under `/proc`, `/sys` and `/etc` of boards that people own, as far as it is read. */
export const BOARDS = {
  'raspberry-pi-5': {
    ...piOs('6.6.51+rpt-rpi-2712'),
    ...CAMERA_USB,
    'proc/device-tree/model': 'Raspberry Pi 5 Model B Rev 1.0\0',
    'proc/device-tree/compatible': 'raspberrypi,5-model-b\0brcm,bcm2712\0',
    'proc/cpuinfo': armCpu(ARM_FEATURES.v8_2, '0xd0b', 4),
    'proc/meminfo': 'MemTotal:        8256560 kB\nMemFree:         5000000 kB\n',
    'proc/self/mounts': '/dev/mmcblk0p2 / ext4 rw,noatime 0 0\nproc /proc proc rw 0 0\n',
    'sys/devices/system/cpu/cpu0/cpufreq/scaling_governor': 'ondemand\n',
    'sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled': '50005\n',
    'sys/class/thermal/thermal_zone0/type': 'cpu-thermal\n',
    'sys/class/thermal/thermal_zone0/temp': '84350\n',
    'sys/class/thermal/cooling_device0/type': 'pwm-fan\n',
    'sys/class/thermal/cooling_device0/cur_state': '4\n',
    'sys/class/video4linux/video19/name': 'pispbe-input\n',
    'sys/class/video4linux/video19/index': '0\n',
    'sys/class/video4linux/video2/name': 'rp1-cfe-csi2_ch0\n',
    'sys/class/video4linux/v4l-subdev2/name': 'imx708_wide 10-001a\n',
    'sys/class/video4linux/v4l-subdev3/name': 'dw9807 10-000c\n',
  },
  'raspberry-pi-4': {
    ...piOs('6.6.51+rpt-rpi-v8'),
    'proc/device-tree/model': 'Raspberry Pi 4 Model B Rev 1.4\0',
    'proc/device-tree/compatible': 'raspberrypi,4-model-b\0brcm,bcm2711\0',
    'proc/cpuinfo': armCpu(ARM_FEATURES.v8_0, '0xd08', 4),
    'proc/meminfo': 'MemTotal:        3884292 kB\n',
    'proc/self/mounts': '/dev/mmcblk0p2 / ext4 ro,relatime 0 0\n',
    'sys/devices/platform/soc/soc:firmware/get_throttled': '0\n',
    'sys/class/thermal/thermal_zone0/type': 'cpu-thermal\n',
    'sys/class/thermal/thermal_zone0/temp': '47712\n',
    'sys/class/video4linux/video0/name': 'unicam-image\n',
    'sys/class/video4linux/video0/index': '0\n',
    'sys/class/video4linux/video10/name': 'bcm2835-codec-decode\n',
    'sys/class/video4linux/v4l-subdev0/name': 'ov5647 10-0036\n',
  },
  'raspberry-pi-3': {
    ...piOs('6.1.21-v8+'),
    'proc/device-tree/model': 'Raspberry Pi Zero 2 W Rev 1.0\0',
    'proc/device-tree/compatible': 'raspberrypi,model-zero-2-w\0brcm,bcm2837\0',
    'proc/cpuinfo': armCpu(ARM_FEATURES.v8_0, '0xd03', 4),
    'proc/meminfo': 'MemTotal:         437988 kB\n',
    'sys/devices/platform/soc/soc:firmware/get_throttled': '10000\n',
  },
  /** In Docker, which hides the device tree, with a limit of memory. */
  'raspberry-pi-5-docker': {
    ...piOs('6.6.51+rpt-rpi-2712'),
    '.dockerenv': '',
    'proc/cpuinfo': armCpu(
      ARM_FEATURES.v8_2,
      '0xd0b',
      4,
      '0x41',
      '\nRevision\t: d04170\nSerial\t\t: 0\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n',
    ),
    'proc/meminfo': 'MemTotal:        8256560 kB\n',
    'proc/self/cgroup': '0::/\n',
    'proc/self/mounts': 'overlay / overlay rw,relatime 0 0\n',
    'sys/fs/cgroup/memory.max': '536870912\n',
  },
  'jetson-nano': {
    'etc/os-release': 'PRETTY_NAME="Ubuntu 18.04.6 LTS"\n',
    'etc/nv_tegra_release':
      '# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t210ref, EABI: aarch64, DATE: Sat Feb 19 17:05:08 UTC 2022\n',
    'etc/nvpmodel.conf':
      '< POWER_MODEL ID=0 NAME=MAXN >\nCPU_ONLINE CORE_0 1\n< POWER_MODEL ID=1 NAME=5W >\n< PM_CONFIG DEFAULT=0 >\n',
    'var/lib/nvpmodel/status': 'pmode:0001 fmode:quiet\n',
    'proc/device-tree/model': 'NVIDIA Jetson Nano Developer Kit\0',
    'proc/device-tree/compatible':
      'nvidia,p3449-0000-b00+p3448-0000-b00\0nvidia,jetson-nano\0nvidia,tegra210\0',
    'proc/cpuinfo': armCpu('fp asimd evtstrm aes pmull sha1 sha2 crc32', '0xd07', 4),
    'proc/meminfo': 'MemTotal:        4059264 kB\n',
    'sys/class/thermal/thermal_zone0/type': 'AO-therm\n',
    'sys/class/thermal/thermal_zone0/temp': '41500\n',
    'sys/class/thermal/thermal_zone1/type': 'CPU-therm\n',
    'sys/class/thermal/thermal_zone1/temp': '52000\n',
    'sys/class/thermal/thermal_zone4/type': 'PMIC-Die\n',
    'sys/class/thermal/thermal_zone4/temp': '100000\n',
    'sys/class/video4linux/video0/name': 'vi-output, imx219 7-0010\n',
    'sys/class/video4linux/v4l-subdev0/name': 'imx219 7-0010\n',
  },
  'jetson-xavier-agx': {
    'etc/nv_tegra_release':
      '# R35 (release), REVISION: 5.0, GCID: 35550185, BOARD: t186ref, EABI: aarch64, DATE: Tue Feb 20 04:46:31 UTC 2024\n',
    'proc/device-tree/model': 'Jetson-AGX\0',
    'proc/device-tree/compatible': 'nvidia,p2972-0000\0nvidia,jetson-xavier\0nvidia,tegra194\0',
    'proc/cpuinfo': armCpu(ARM_FEATURES.v8_2, '0x004', 8, '0x4e'),
    'proc/meminfo': 'MemTotal:       31990000 kB\n',
  },
  'jetson-xavier-nx': {
    'etc/nv_tegra_release': '# R35 (release), REVISION: 4.1, GCID: 33958178, BOARD: t186ref\n',
    'proc/device-tree/model': 'NVIDIA Jetson Xavier NX Developer Kit\0',
    'proc/device-tree/compatible': 'nvidia,p3509-0000+p3668-0000\0nvidia,tegra194\0',
    'proc/cpuinfo': armCpu(ARM_FEATURES.v8_2, '0x004', 6, '0x4e'),
    'proc/meminfo': 'MemTotal:        7000000 kB\n',
  },
  'jetson-orin-nano': {
    'etc/nv_tegra_release':
      '# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: Wed Jan  8 01:49:37 UTC 2025\n',
    'etc/nvpmodel.conf':
      '< POWER_MODEL ID=0 NAME=15W >\n< POWER_MODEL ID=1 NAME=25W >\n< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n',
    'var/lib/nvpmodel/status': 'pmode:0002',
    'proc/device-tree/model': 'NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super\0',
    'proc/device-tree/compatible':
      'nvidia,p3768-0000+p3767-0005-super\0nvidia,p3767-0005\0nvidia,tegra234\0',
    'proc/cpuinfo': armCpu(`${ARM_FEATURES.v8_2} flagm paca pacg`, '0xd42', 6),
    'proc/meminfo': 'MemTotal:        7802984 kB\n',
    'sys/class/thermal/thermal_zone0/type': 'cpu-thermal\n',
    'sys/class/thermal/thermal_zone0/temp': '99500\n',
    'sys/class/thermal/thermal_zone1/type': 'tj-thermal\n',
    'sys/class/thermal/thermal_zone1/temp': '-256000\n',
    'sys/class/thermal/cooling_device0/type': 'cpu-throttle-alert\n',
    'sys/class/thermal/cooling_device0/cur_state': '1\n',
    'sys/class/thermal/cooling_device1/type': 'pwm-fan\n',
    'sys/class/thermal/cooling_device1/cur_state': '3\n',
  },
  /** A module on another maker's carrier, in a container that hides the device tree. */
  'jetson-orin-nx': {
    'run/.containerenv': '',
    'etc/nv_tegra_release': '# R36 (release), REVISION: 9.0, GCID: 1, BOARD: generic\n',
    'sys/devices/soc0/machine': 'reComputer J4012\n',
    'sys/devices/soc0/family': 'Tegra\n',
    'sys/devices/soc0/soc_id': '35\n',
    'proc/cpuinfo': armCpu(ARM_FEATURES.v8_2, '0xd42', 8),
    'proc/meminfo': 'MemTotal:       15800000 kB\n',
  },
  'jetson-agx-orin': {
    'etc/nv_tegra_release': '# R36 (release), REVISION: 3.0, GCID: 36923193, BOARD: generic\n',
    'etc/nv_boot_control.conf':
      'TNSPEC 3701-500-0005-M.0-1-1-jetson-agx-orin-devkit-\nTEGRA_CHIPID 0x23\n',
    'proc/device-tree/model': 'NVIDIA Jetson AGX Orin Developer Kit\0',
    'proc/cpuinfo': armCpu(ARM_FEATURES.v8_2, '0xd42', 12),
    'proc/meminfo': 'MemTotal:       31456128 kB\n',
  },
  'x86-vnni': {
    'etc/os-release': 'PRETTY_NAME="Ubuntu 24.04.1 LTS"\n',
    'sys/class/dmi/id/sys_vendor': 'ASUSTeK COMPUTER INC.\n',
    'sys/class/dmi/id/product_name': 'NUC14RVK\n',
    'sys/class/dmi/id/board_vendor': 'ASUSTeK COMPUTER INC.\n',
    'sys/class/dmi/id/board_name': 'NUC14RVBU5\n',
    'proc/cpuinfo':
      'processor\t: 0\nmodel name\t: Intel(R) Core(TM) Ultra 5 125H\nflags\t\t: fpu sse4_1 sse4_2 avx f16c fma avx2 avx_vnni\n\nprocessor\t: 1\nmodel name\t: Intel(R) Core(TM) Ultra 5 125H\nflags\t\t: fpu sse4_1 sse4_2 avx f16c fma avx2 avx_vnni\n',
    'proc/meminfo': 'MemTotal:       15900000 kB\n',
    'sys/class/thermal/cooling_device0/type': 'Processor\n',
    'sys/class/thermal/cooling_device0/cur_state': '0\n',
    'sys/class/thermal/cooling_device9/type': 'intel_powerclamp\n',
    'sys/class/thermal/cooling_device9/cur_state': '-1\n',
  },
  'x86-no-vnni': {
    'sys/class/dmi/id/sys_vendor': 'To Be Filled By O.E.M.\n',
    'sys/class/dmi/id/product_name': 'To Be Filled By O.E.M.\n',
    'sys/class/dmi/id/board_vendor': 'ASRock\n',
    'sys/class/dmi/id/board_name': 'J4105-ITX\n',
    'proc/cpuinfo':
      'processor\t: 0\nmodel name\t: Intel(R) Celeron(R) J4105 CPU @ 1.50GHz\nflags\t\t: fpu sse4_1 sse4_2\n',
    'proc/meminfo': 'MemTotal:        7900000 kB\n',
  },
} as const satisfies Record<string, Tree>;

export type BoardName = keyof typeof BOARDS;

/** Writes a tree into a folder of its own; `remove` takes it away. */
export async function plantTree(tree: Tree) {
  const root = await mkdtemp(join(tmpdir(), 'flotilla-board-'));
  await writeTree(root, tree);
  return { root, remove: () => rm(root, { recursive: true }) };
}

export async function writeTree(root: string, tree: Tree): Promise<void> {
  for (const [path, content] of Object.entries(tree)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    if (content.startsWith('->')) await symlink(content.slice(2), join(root, path));
    else await writeFile(join(root, path), content);
  }
}
