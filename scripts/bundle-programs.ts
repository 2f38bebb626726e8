import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleForNode } from './bundle-for-node.ts';

const MAINS = new Map([
  ['flotilla', 'cli/src/main.ts'],
  ['flotilla-agent', 'agent/src/node/main.ts'],
]);

/**
 * Bundles what is published: the command, the agent, and what a browser loads from the server.
 *
 * @returns the names of the bundles for Node in `outdir`
 */
export async function bundlePrograms(outdir: string): Promise<string[]> {
  const bundles = await bundleForNode(MAINS, outdir);
  await bundleDashboard(join(outdir, 'dashboard'));
  return bundles;
}

async function bundleDashboard(outdir: string): Promise<void> {
  await build({
    entryPoints: [
      'fleet-server/src/dashboard/app/main.tsx',
      'fleet-server/src/dashboard/styles/dashboard.css',
    ],
    entryNames: '[name]',
    outdir,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    logLevel: 'warning',
  });
}
