import { execFileSync } from 'node:child_process';
import { chmod, copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { PROTOCOL_MINOR } from '@flotilla/protocol';
import { bundleForNode } from '../bundle-for-node.ts';
import { findPackages } from './find-packages.ts';
import { type Arch, LICENSE_FILES, nodePackage, type Part, partsOf } from './parts.ts';

/** An agent for one platform: a folder, and the same as one file. */
export interface AgentPackage {
  readonly folder: string;
  readonly file: string;
  readonly bytes: number;
}

const LAUNCHER = 'flotilla-agent-launcher';
const MAINS = new Map([
  ['flotilla-agent', 'agent/src/node/main.ts'],
  [LAUNCHER, 'agent/src/node/launcher/main.ts'],
]);

/**
 * What keeps the agent small; docs/benchmarks.md has what each saves. glibc takes an arena of
 * memory for each thread, and keeps what was freed, large buffers too (mallopt(3)). V8 lets its
 * young generation grow to 48 MB before it collects, which at one request after another is garbage.
 * Node's snapshot of its own heap brings pages in that an agent never uses, and the optimizing
 * compilers bring in theirs: code that is run once at the start, and not often, does without them.
 */
const STARTER = `#!/bin/sh
# Starts the agent of this folder with the Node that lies beside it, or the launcher, which is none:
# it starts this script, or that of a newer release, which knows best how its agent is to run.
here=$(dirname "$(readlink -f "$0")")
lean="--no-node-snapshot --max-semi-space-size=1 --optimize-for-size"
lean="$lean --invocation-count-for-maglev=5000 --invocation-count-for-turbofan=30000"
export MALLOC_ARENA_MAX="\${MALLOC_ARENA_MAX:-1}"
if [ "$1" = launch ] && [ "$2" != --help ]; then
  shift
  exec "$here/bin/node" $lean "$here/lib/${LAUNCHER}.js" "$@"
fi
export MALLOC_MMAP_THRESHOLD_="\${MALLOC_MMAP_THRESHOLD_:-32768}"
export MALLOC_TRIM_THRESHOLD_="\${MALLOC_TRIM_THRESHOLD_:-65536}"
export MALLOC_TOP_PAD_="\${MALLOC_TOP_PAD_:-16384}"
exec "$here/bin/node" $lean "$here/lib/flotilla-agent.js" "$@"
`;

/**
 * Packs the agent with all that it needs to run on a bare glibc system: its bundles, native parts
 * of one platform, Node. The same sources give the same bytes.
 *
 * @param outdir gets `flotilla-agent-VERSION-linux-ARCH` and the `.tar.gz` of it
 */
export async function packAgent(arch: Arch, outdir: string): Promise<AgentPackage> {
  const folder = await layOutAgent(arch, outdir);
  const file = `${folder}.tar.gz`;
  archive(folder, file);
  return { folder, file, bytes: (await stat(file)).size };
}

/**
 * Makes the folder of a package, as a device has it after unpacking.
 *
 * @returns its path, `flotilla-agent-VERSION-linux-ARCH` in `outdir`
 */
export async function layOutAgent(arch: Arch, outdir: string): Promise<string> {
  const version = await readVersion();
  const folder = resolve(outdir, `flotilla-agent-${version}-linux-${arch}`);
  await rm(folder, { recursive: true, force: true });
  const lib = join(folder, 'lib');
  await bundleForNode(MAINS, lib, { lean: true, alone: [LAUNCHER] });
  const parts = partsOf(arch);
  const node = nodePackage(arch);
  const found = await findPackages(arch, [node, ...parts.map((part) => part.package)]);
  for (const part of parts) {
    await copyPart(part, found.get(part.package) ?? '', join(lib, 'node_modules', part.package));
  }
  const nodeParts = { package: node, keep: [/^bin\/node$/] };
  await copyPart(nodeParts, found.get(node) ?? '', folder);
  await writeOwnFiles(folder, { name: 'flotilla-agent', version, os: 'linux', cpu: arch });
  return folder;
}

async function copyPart({ package: name, keep }: Part, from: string, to: string): Promise<void> {
  const kept = [/^package\.json$/, LICENSE_FILES, ...keep];
  const entries = await readdir(from, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(from, join(entry.parentPath, entry.name)))
    .filter((file) => !file.includes('node_modules/') && kept.some((rule) => rule.test(file)));
  for (const rule of keep) {
    if (!files.some((file) => rule.test(file))) throw new Error(`${name} has no file like ${rule}`);
  }
  for (const file of files) {
    await mkdir(dirname(join(to, file)), { recursive: true });
    await copyFile(join(from, file), join(to, file));
  }
}

/** What tells a launcher, a person and Node what lies here. */
async function writeOwnFiles(folder: string, about: Readonly<Record<string, string>>) {
  const { name, version, os, cpu } = about;
  const flotilla = { protocolMinor: PROTOCOL_MINOR };
  const manifest = { name, version, private: true, type: 'module', os: [os], cpu: [cpu], flotilla };
  await rm(join(folder, 'package.json'), { force: true });
  await copyFile(join(folder, 'LICENSE'), join(folder, 'bin/LICENSE'));
  await copyFile('LICENSE', join(folder, 'LICENSE'));
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  await writeFile(join(folder, 'flotilla-agent'), STARTER);
  await chmod(join(folder, 'flotilla-agent'), 0o755);
  await chmod(join(folder, 'bin/node'), 0o755);
}

/** Sorted, of no owner and no time, with gzip's own time left out: equal folders, equal bytes. */
function archive(folder: string, file: string): void {
  const order = ['--sort=name', '--format=ustar', '--mtime=@0', '--mode=u+rw,go+r-w,a+X'];
  const owner = ['--owner=0', '--group=0', '--numeric-owner'];
  const place = ['-C', dirname(folder), relative(dirname(folder), folder)];
  execFileSync('tar', [
    '--use-compress-program=gzip -6n',
    ...order,
    ...owner,
    '-cf',
    file,
    ...place,
  ]);
}

async function readVersion(): Promise<string> {
  const { version } = JSON.parse(await readFile('agent/package.json', 'utf8')) as {
    version: string;
  };
  return version;
}
