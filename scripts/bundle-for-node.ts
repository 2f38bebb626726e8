import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, relative, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';

/** Source files by the name of the bundle that is made of each. */
type Entries = ReadonlyMap<string, string>;

/** Packages with native parts, or that load files of their own, stay beside the bundle. */
const EXTERNAL = [
  'onnxruntime-node',
  'sharp',
  'koffi',
  '@tensorflow/tfjs-tflite',
  'better-sqlite3',
  'pg-native',
  'esbuild',
];

/** What is a copy of a part of Node, for browsers and old versions. */
const BUILT_IN = { 'readable-stream': 'node:stream' };

/** CommonJS packages inside the bundle still call `require` for Node's own modules. */
const BANNER =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

/** Not `import.meta.resolve`, which tests have none of. */
const fromHere = createRequire(import.meta.url);

/** How a module names another that it starts as a worker or a process of its own. */
const MODULE_URL = /new URL\('(\.[^']+\.ts)', import\.meta\.url\)/g;
const PACKAGE_URL = /import\.meta\.resolve\('(@flotilla\/[^'.]+)'\)/g;

/**
 * Such a module becomes a bundle of its own. Bundles lie side by side in one folder, each named
 * after its path, and the URLs follow.
 */
function separateModules(mains: Entries, found: Map<string, string>): Plugin {
  const bundleOf = (path: string): string => {
    const file = relative('.', path);
    const main = [...mains].find(([, source]) => source === file);
    const name = main?.[0] ?? file.replace(/\.ts$/, '').replaceAll('/', '-');
    found.set(name, file);
    return `new URL('./${name}.js', import.meta.url)`;
  };
  return {
    name: 'separate-modules',
    setup(bundler) {
      bundler.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        if (path.includes('node_modules') || !source.includes('import.meta.')) return undefined;
        const contents = source
          .replace(MODULE_URL, (_, target: string) => bundleOf(resolve(dirname(path), target)))
          .replace(PACKAGE_URL, (_, entry: string) => `${bundleOf(fromHere.resolve(entry))}.href`);
        return { contents, loader: 'ts' };
      });
    },
  };
}

/**
 * An import of `node:http` makes Node read each of its exports, and one of them loads the whole of
 * `fetch` and WebSocket: 12 MB of memory and a third of the start of an agent. Asked for as CommonJS
 * it does not.
 */
const withoutFacade: Plugin = {
  name: 'without-facade',
  setup(bundler) {
    bundler.onResolve({ filter: /^node:(http|util)$/ }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'built-in' } : undefined,
    );
    bundler.onLoad({ filter: /.*/, namespace: 'built-in' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('${path}');`,
    }));
  },
};

export interface BundleOptions {
  /** For devices: no source maps, no white space. Names stay, which errors are known by. */
  readonly lean?: boolean;
  /** Names of mains that share no piece with another bundle. */
  readonly alone?: readonly string[];
}

async function bundle(
  entries: Entries,
  mains: Entries,
  outdir: string,
  { lean = false }: BundleOptions,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  await build({
    // sorted: they were found in any order, and the names of the pieces depend on it
    entryPoints: Object.fromEntries([...entries].toSorted()),
    outdir,
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'esm',
    // without it a module that is imported lazily takes along all that its imports could ever need
    splitting: true,
    minifySyntax: true,
    minifyWhitespace: lean,
    sourcemap: !lean,
    legalComments: 'linked',
    external: EXTERNAL,
    alias: BUILT_IN,
    banner: { js: BANNER },
    plugins: [withoutFacade, separateModules(mains, found)],
    logLevel: 'warning',
  });
  return found;
}

/**
 * Bundles programs for Node, and every module that they start as a worker or a process of its own.
 *
 * @param mains paths are relative to the repository, where this must run
 * @returns the names of the bundles in `outdir`
 */
export async function bundleForNode(
  mains: Entries,
  outdir: string,
  options: BundleOptions = {},
): Promise<string[]> {
  const { alone = [] } = options;
  const groups = [...alone.map((name) => [name]), [...mains.keys()]];
  const done = new Set<string>();
  const left = (entries: Iterable<readonly [string, string]>) =>
    new Map([...entries].filter(([name]) => !done.has(name)));
  for (const group of groups) {
    let todo = left([...mains].filter(([name]) => group.includes(name)));
    while (todo.size > 0) {
      for (const name of todo.keys()) done.add(name);
      todo = left(await bundle(todo, mains, outdir, options));
    }
  }
  return [...done];
}
