import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** What the dashboard's page loads: each file under a path that names its content. */
export interface Assets {
  readonly script: Asset;
  readonly style: Asset;
}

export interface Asset {
  /** URL path, with the content's digest in it. */
  readonly path: string;
  readonly type: string;
  readonly body: Buffer;
}

/** Where a bundled server finds them ready-made: `dist/dashboard/`. */
const BUILT = new URL('./dashboard/', import.meta.url);
const ENTRIES = { script: './app/main.tsx', style: './styles/dashboard.css' } as const;

/** Bundles the dashboard from its sources, in memory; a published package brings it ready-made. */
export async function buildDashboard(): Promise<Assets> {
  if (existsSync(BUILT)) {
    return named(
      await readFile(new URL('main.js', BUILT)),
      await readFile(new URL('dashboard.css', BUILT)),
    );
  }
  const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  const { outputFiles } = await build({
    entryPoints: [source(ENTRIES.script), source(ENTRIES.style)],
    entryNames: '[name]',
    outdir: 'dashboard',
    write: false,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'silent',
  });
  const of = (ending: string): Buffer =>
    Buffer.from(outputFiles.find(({ path }) => path.endsWith(ending))?.contents ?? []);
  return named(of('.js'), of('.css'));
}

function named(script: Buffer, style: Buffer): Assets {
  const asset = (body: Buffer, ending: string, type: string): Asset => {
    const digest = createHash('sha256').update(body).digest('hex').slice(0, 16);
    return { path: `/assets/dashboard-${digest}.${ending}`, type, body };
  };
  return {
    script: asset(script, 'js', 'text/javascript; charset=utf-8'),
    style: asset(style, 'css', 'text/css; charset=utf-8'),
  };
}
