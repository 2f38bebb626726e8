import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { asFlotillaError, FlotillaError, readJson } from '@flotilla/protocol';
import { readTarStream } from '@flotilla/protocol/node';

/** A package of the agent for one platform, as `npm run build:agent` makes it. */
export interface AgentPackage {
  readonly folder: string;
  /** What the agent calls itself. */
  readonly version: string;
  readonly arch: 'x64' | 'arm64';
  readonly protocolMinor: number;
}

const ARCHIVE = /^flotilla-agent-.+\.tar\.gz$/;
const MANIFEST = 'package.json';
const MAX_MANIFEST_BYTES = 1 << 16;

/**
 * The packages that a path names: an archive or a folder of one, or a folder of archives.
 *
 * @param staging empty folder that archives are unpacked into
 * @throws FlotillaError `file.missing`, `release.invalid`
 */
export async function findPackages(path: string, staging: string): Promise<AgentPackage[]> {
  const found = await stat(path).catch((cause) => {
    throw new FlotillaError('file.missing', { what: 'package', file: path }, { cause });
  });
  if (found.isFile()) return [await unpacked(path, staging)];
  const names = await readdir(path);
  if (names.includes(MANIFEST)) return [await readPackage(path, path)];
  const archives = names.filter((name) => ARCHIVE.test(name)).sort();
  if (archives.length === 0) throw invalid(path, 'it holds no flotilla-agent-*.tar.gz');
  const packages: AgentPackage[] = [];
  for (const name of archives) packages.push(await unpacked(join(path, name), staging));
  return packages;
}

async function unpacked(archive: string, staging: string): Promise<AgentPackage> {
  const folder = join(staging, basename(archive));
  try {
    await pipeline(createReadStream(archive), createGunzip(), async (source) => {
      for await (const { path, content } of readTarStream(source)) {
        // all lies in one folder of the package's name
        const [, ...inner] = path.replace(/^\.\//, '').split('/');
        if (inner.length === 0 || inner.some((part) => part === '..' || part === '')) {
          throw invalid(archive, `it holds ${JSON.stringify(path.slice(0, 100))}`);
        }
        await store(join(folder, ...inner), content);
      }
    });
  } catch (cause) {
    const { code, message } = asFlotillaError(cause);
    throw code === 'release.invalid' ? cause : invalid(archive, message, cause);
  }
  return readPackage(folder, archive);
}

async function store(target: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const file = await open(target, 'wx');
  try {
    for await (const chunk of content) await file.writeFile(chunk);
  } finally {
    await file.close();
  }
}

async function readPackage(folder: string, where: string): Promise<AgentPackage> {
  const bytes = await readFile(join(folder, MANIFEST)).catch((cause) => {
    throw invalid(where, `it has no ${MANIFEST}`, cause);
  });
  const json = readJson(bytes, { maxBytes: MAX_MANIFEST_BYTES });
  const manifest = (json.ok ? json.value : undefined) as
    | {
        readonly name?: unknown;
        readonly version?: unknown;
        readonly cpu?: readonly unknown[];
        readonly flotilla?: { readonly protocolMinor?: unknown };
      }
    | undefined;
  const { name, version, cpu, flotilla } = manifest ?? {};
  const arch = Array.isArray(cpu) ? cpu[0] : undefined;
  if (name !== 'flotilla-agent') throw invalid(where, `its ${MANIFEST} names another program`);
  if (typeof version !== 'string') throw invalid(where, 'it has no version');
  if (arch !== 'x64' && arch !== 'arm64') throw invalid(where, `it is for ${arch}`);
  const minor = flotilla?.protocolMinor;
  if (typeof minor !== 'number') throw invalid(where, 'its agent cannot update itself yet');
  return { folder, version, arch, protocolMinor: minor };
}

const invalid = (file: string, reason: string, cause?: unknown) =>
  new FlotillaError('release.invalid', { file, reason }, { cause });
