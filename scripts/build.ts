/** Bundles what is published, the command and the agent, into `dist/`; then the declarations. */
import { execFileSync } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const MAINS = { flotilla: 'cli/src/main.ts', 'flotilla-agent': 'agent/src/node/main.ts' } as const;

/** Packages with native parts, or that load files of their own, stay beside the bundle. */
const EXTERNAL = ['onnxruntime-node', 'sharp', 'better-sqlite3', 'pg-native', 'esbuild'];

/** CommonJS packages inside the bundle still call `require` for Node's own modules. */
const BANNER =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

/** How a module names another that it starts as a worker or a process of its own. */
const MODULE_URL = /new URL\('(\.[^']+\.ts)', import\.meta\.url\)/g;
const PACKAGE_URL = /import\.meta\.resolve\('(@flotilla\/[^'.]+)'\)/g;

/**
 * Such a module becomes a bundle of its own. Bundles lie side by side in one folder, each named
 * after its path, and the URLs follow.
 */
function separateModules(found: Map<string, string>): Plugin {
  const bundleOf = (path: string): string => {
    const file = relative('.', path);
    const main = Object.entries(MAINS).find(([, source]) => source === file);
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
          .replace(PACKAGE_URL, (_, entry: string) => {
            return `${bundleOf(fileURLToPath(import.meta.resolve(entry)))}.href`;
          });
        return { contents, loader: 'ts' };
      });
    },
  };
}

/** What a browser loads from the server. */
async function bundleDashboard(): Promise<void> {
  await build({
    entryPoints: [
      'fleet-server/src/dashboard/app/main.tsx',
      'fleet-server/src/dashboard/styles/dashboard.css',
    ],
    entryNames: '[name]',
    outdir: 'dist/dashboard',
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    logLevel: 'warning',
  });
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
await bundleDashboard();
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
