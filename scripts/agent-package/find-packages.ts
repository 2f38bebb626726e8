import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** `packages` of a lock file of npm, as far as it is read here. */
type Locked = Readonly<Record<string, { readonly version: string; readonly integrity?: string }>>;

/** `npm ci` empties it, and git ignores it. */
const CACHE = 'node_modules/.cache/agent-package';

/**
 * Folders of packages by name. Those that this machine's `node_modules` lacks are of another
 * platform: npm fetches them into a cache, as the lock file names them.
 */
export async function findPackages(
  arch: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const missing = names.filter((name) => !existsSync(join('node_modules', name, 'package.json')));
  const staging = resolve(CACHE, `linux-${arch}`);
  if (missing.length > 0) await stage(arch, missing, staging);
  return new Map(
    names.map((name) => {
      const root = missing.includes(name) ? staging : resolve('.');
      return [name, join(root, 'node_modules', name)];
    }),
  );
}

async function stage(arch: string, names: readonly string[], staging: string): Promise<void> {
  const lock = await readLock('package-lock.json');
  const wanted = names.map((name) => {
    const row = lock[`node_modules/${name}`];
    if (row?.integrity === undefined) {
      throw new Error(`${name} is not in package-lock.json: add it to a package that needs it`);
    }
    return { name, version: row.version, integrity: row.integrity };
  });
  const differs = async () => {
    const got = await readLock(join(staging, 'node_modules/.package-lock.json'));
    return wanted.find(
      ({ name, integrity }) => got[`node_modules/${name}`]?.integrity !== integrity,
    );
  };
  if ((await differs()) === undefined) return;
  await mkdir(staging, { recursive: true });
  install(
    arch,
    staging,
    wanted.map(({ name, version }) => `${name}@${version}`),
  );
  const wrong = await differs();
  if (wrong) throw new Error(`${wrong.name} from the registry is not what package-lock.json names`);
}

function install(arch: string, staging: string, packages: readonly string[]): void {
  const platform = ['--os=linux', `--cpu=${arch}`, '--libc=glibc', '--force'];
  const quiet = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = join(dirname(process.execPath), 'npm');
  execFileSync(
    existsSync(npm) ? npm : 'npm',
    ['install', '--prefix', staging, ...platform, ...quiet, ...packages],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
}

async function readLock(file: string): Promise<Locked> {
  const text = await readFile(file, 'utf8').catch(() => '{}');
  return (JSON.parse(text) as { packages?: Locked }).packages ?? {};
}
