/** Bundles what is published, the command and the agent, into `dist/`; then the declarations. */
import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { bundlePrograms } from './bundle-programs.ts';

await rm('dist', { recursive: true, force: true });
const bundles = await bundlePrograms('dist');
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
