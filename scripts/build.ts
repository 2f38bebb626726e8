/** Bundles what is published, the command and the agent, into `dist/`; then the declarations. */
import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { build } from 'esbuild';
import { bundleForNode } from './bundle-for-node.ts';

const MAINS = new Map([
  ['flotilla', 'cli/src/main.ts'],
  ['flotilla-agent', 'agent/src/node/main.ts'],
]);

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

await rm('dist', { recursive: true, force: true });
const bundles = await bundleForNode(MAINS, 'dist');
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
console.log(`built ${bundles.join(', ')} and declarations in dist/`);
