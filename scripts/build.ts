/** Bundles what is published, the command and the agent, into `dist/`; then the declarations. */
import { execFileSync } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';

const MAINS = { flotilla: 'cli/src/main.ts', 'flotilla-agent': 'agent/src/node/main.ts' } as const;

/** Packages with native parts, or that load files of their own, stay beside the bundle. */
const EXTERNAL = ['onnxruntime-node', 'sharp', 'better-sqlite3', 'pg-native', 'esbuild'];

/** CommonJS packages inside the bundle still call `require` for Node's own modules. */
const BANNER =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

const MODULE_URL = /new URL\('(\.[^']+)\.ts', import\.meta\.url\)/g;

/**
 * A worker or child is started from the URL of its source. Bundles lie side by side in one folder,
 * so each such module becomes a bundle of its own, named after its path, and the URL follows.
 */
function separateModules(found: Map<string, string>): Plugin {
  return {
    name: 'separate-modules',
    setup(bundler) {
      bundler.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        if (path.includes('node_modules') || !source.includes('import.meta.url')) return undefined;
        const contents = source.replace(MODULE_URL, (_, target: string) => {
          const file = relative('.', resolve(dirname(path), `${target}.ts`));
          const name = file.replace(/\.ts$/, '').replaceAll('/', '-');
          found.set(name, file);
          return `new URL('./${name}.js', import.meta.url)`;
        });
        return { contents, loader: 'ts' };
      });
    },
  };
}

async function bundle(entries: Map<string, string>): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  await build({
    entryPoints: Object.fromEntries(entries),
    outdir: 'dist',
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'esm',
    minifySyntax: true,
    sourcemap: true,
    legalComments: 'linked',
    external: EXTERNAL,
    banner: { js: BANNER },
    plugins: [separateModules(found)],
    logLevel: 'warning',
  });
  return found;
}

await rm('dist', { recursive: true, force: true });
const done = new Set<string>();
let todo = new Map<string, string>(Object.entries(MAINS));
while (todo.size > 0) {
  for (const name of todo.keys()) done.add(name);
  const found = await bundle(todo);
  todo = new Map([...found].filter(([name]) => !done.has(name)));
}
execFileSync(
  'tsc',
  [
    '-p',
    '.',
    '--noEmit',
    'false',
    '--declaration',
    '--emitDeclarationOnly',
    '--outDir',
    'dist/types',
  ],
  { stdio: 'inherit' },
);
console.log(`built ${[...done].join(', ')} and declarations in dist/`);
