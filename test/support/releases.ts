import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AGENT_VERSION } from '@flotilla/agent/node';
import { PROTOCOL_MINOR } from '@flotilla/protocol';
import { mainOf } from './programs.ts';

const MAIN = pathToFileURL(mainOf('flotilla-agent')).href;

/** What the main module of a release does when it is to run; each passes the check before that. */
const PROGRAMS = {
  /** The agent that the tests run. */
  good: `await import(${JSON.stringify(MAIN)});`,
  /** Ends as soon as it is started. */
  crashing: whereItRuns(`process.exit(3);`),
  /** Never serves, and hears no signal. */
  silent: whereItRuns(
    `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); await new Promise(() => {});`,
  ),
  /** Serves, and never reaches its server. */
  deaf: whereItRuns(
    `(await import('node:net')).Socket.prototype.connect = function () { return this.destroy(new Error('deaf')); };`,
  ),
} as const;
export type Behavior = keyof typeof PROGRAMS;

function whereItRuns(statement: string): string {
  return `if (process.argv[2] === 'run') { ${statement} }\nawait import(${JSON.stringify(MAIN)});`;
}

const STARTER = `#!/bin/sh
exec '${process.execPath}' "$(dirname "$0")/lib/flotilla-agent.js" "$@"
`;

/**
 * A package of the agent of a few files: Node is that of this machine, and the program is that of the tests.
 *
 * @param folder new
 */
export async function makeThinPackage(folder: string, behavior: Behavior): Promise<string> {
  const manifest = {
    name: 'flotilla-agent',
    version: AGENT_VERSION,
    type: 'module',
    os: ['linux'],
    cpu: [process.arch],
    flotilla: { protocolMinor: PROTOCOL_MINOR },
  };
  const files = {
    'package.json': JSON.stringify(manifest),
    'flotilla-agent': STARTER,
    'bin/none': '',
    'lib/flotilla-agent.js': PROGRAMS[behavior],
    'lib/node_modules/none/package.json': '{}',
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}
