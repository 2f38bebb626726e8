import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

const REQUIREMENTS = fileURLToPath(new URL('../peers/requirements.txt', import.meta.url));
const ENVIRONMENT = fileURLToPath(
  new URL('../../../node_modules/.cache/flotilla-bench', import.meta.url),
);
/** Written last: what the environment was made from. */
const DONE = join(ENVIRONMENT, 'made-from.txt');
const INSTALL_MS = 600_000;

/** The Python of the peers' environment, or why there is none. */
export type Peers = { readonly python: string } | { readonly missing: string };

/** Makes the environment of the Python peers where it is not there yet. */
export async function openPeers(): Promise<Peers> {
  const python = join(ENVIRONMENT, 'bin', 'python');
  const wanted = await readFile(REQUIREMENTS, 'utf8');
  if (existsSync(DONE) && (await readFile(DONE, 'utf8')) === wanted) return { python };
  try {
    await run('python3', ['-m', 'venv', '--clear', ENVIRONMENT]);
    await run(python, ['-m', 'pip', 'install', '--quiet', '--requirement', REQUIREMENTS], {
      timeout: INSTALL_MS,
    });
    await writeFile(DONE, wanted);
    return { python };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { missing: reason.trim().split('\n').at(-1)?.slice(0, 160) ?? reason };
  }
}
