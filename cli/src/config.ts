import { homedir } from 'node:os';
import { join } from 'node:path';

/** Every setting of the command that may come from the environment: name, default, and what it is for. */
export const SETTINGS = {
  server: {
    env: 'FLOTILLA_SERVER',
    default: 'http://127.0.0.1:8080',
    doc: 'address of the fleet server',
  },
  token: { env: 'FLOTILLA_TOKEN', default: '', doc: 'API token (flt_…) of the fleet server' },
  fleet: { env: 'FLOTILLA_FLEET', default: 'default', doc: 'fleet that the command works on' },
  home: {
    env: 'FLOTILLA_HOME',
    default: join(homedir(), '.config', 'flotilla'),
    doc: 'folder of the local signing key',
  },
} as const satisfies Record<string, { env: string; default: string; doc: string }>;

export type Settings = Readonly<Record<keyof typeof SETTINGS, string>>;

/** Reads the settings once, in `main`; options of a command override them. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const read = (key: keyof Settings) => environment[SETTINGS[key].env] || SETTINGS[key].default;
  return { server: read('server'), token: read('token'), fleet: read('fleet'), home: read('home') };
}
