/**
 * A board for arm64 on this machine: qemu's user mode runs the packed agent on the Node that it
 * brings, and shows it the files of a Raspberry Pi 4. Timings say nothing there, and RSS reads 0.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BOARDS, writeTree } from '../../agent/src/testing/boards.ts';
import { layOutAgent } from '../../scripts/agent-package/pack.ts';
import { bundleForNode } from '../../scripts/bundle-for-node.ts';
import { oncePerRun } from './once.ts';
import { skipOrFail } from './skip.ts';

const QEMU = '/usr/bin/qemu-aarch64-static';
const LIBRARIES = '/usr/aarch64-linux-gnu/lib';
const ORT_LIBRARY = 'onnxruntime-node/bin/napi-v6/linux/arm64/libonnxruntime.so.1';

export interface Arm64 {
  /** The command `flotilla-agent` of the package. */
  readonly agent: string;
  /** The package's Node, to be spawned like any program: what it starts runs there too. */
  readonly node: string;
  /** A library of ONNX Runtime, for the port to its C API. */
  readonly ortLibrary: string;
  /** Bundles programs, as the agent is, into a new folder that finds the package's parts. */
  bundle(mains: ReadonlyMap<string, string>): Promise<string>;
}

/**
 * The board, made once in a run of the tests.
 *
 * @returns undefined where the system lacks qemu or the libraries, which is said by name
 */
export async function arm64(): Promise<Arm64 | undefined> {
  for (const path of [QEMU, join(LIBRARIES, 'libc.so.6'), join(LIBRARIES, 'libstdc++.so.6')]) {
    if (!existsSync(path)) return skipOrFail('arm64', `${path} is missing`);
  }
  const place = await oncePerRun('arm64', makeBoard);
  const home = join(place, HOME);
  return {
    agent: `${home}/flotilla-agent`,
    node: `${home}/bin/node`,
    ortLibrary: join(home, 'lib/node_modules', ORT_LIBRARY),
    async bundle(mains) {
      const folder = await mkdtemp(join(home, 'lib/programs-'));
      await bundleForNode(mains, folder);
      return folder;
    },
  };
}

/** Of the unpacked package, and of the root file system that programs there see first. */
const HOME = 'agent';
const ROOT = 'board';

/**
 * The kernel here cannot start arm64 programs by itself: this script stands in for the package's
 * Node, which must take it, and not its own binary, for what it starts other processes with.
 */
const NODE = `#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
exec ${QEMU} -L "$here/../../${ROOT}" -cpu cortex-a72 "$here/node-arm64" \\
  --import "$here/exec-path.mjs" "$@"
`;
const EXEC_PATH = `import { fileURLToPath } from 'node:url';
process.execPath = fileURLToPath(new URL('./node', import.meta.url));
`;

async function makeBoard(place: string): Promise<void> {
  const home = join(place, HOME);
  await rename(await layOutAgent('arm64', place), home);
  await rename(join(home, 'bin/node'), join(home, 'bin/node-arm64'));
  await writeFile(join(home, 'bin/node'), NODE, { mode: 0o755 });
  await writeFile(join(home, 'bin/exec-path.mjs'), EXEC_PATH);

  const root = join(place, ROOT);
  // ONNX Runtime reads /proc/cpuinfo when it loads, and aborts where that is no ARM processor's
  await writeTree(root, BOARDS['raspberry-pi-4']);
  await symlink(LIBRARIES, join(root, 'lib'));
}
