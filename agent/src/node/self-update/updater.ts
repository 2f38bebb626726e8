import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { LEAST_MEMORY_BYTES, limitsOf } from '@flotilla/model/node';
import { FlotillaError } from '@flotilla/protocol';
import {
  type CheckedRelease,
  type Logger,
  PLACE_VARIABLE,
  PLACES,
  type Place,
  RELEASE_FOLDER,
  type SelfUpdater,
  TRIAL_VARIABLE,
} from '../../core/index.ts';
import { readLibc } from '../device/libc.ts';
import { folderOf, programOf } from './places.ts';
import { unpackLayers } from './unpack.ts';

export interface SelfUpdaterOptions {
  readonly data: string;
  /** In which a launcher says what it started. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** Asks for the end of this process. */
  relaunch(): void;
}

const CHECK_MS = 120_000;

/** What this process is to its launcher, if one started it. */
export function createSelfUpdater(options: SelfUpdaterOptions): SelfUpdater {
  const { env, relaunch } = options;
  const data = resolve(options.data);
  const place = PLACES.find((known) => known === env[PLACE_VARIABLE]);
  return {
    obstacle: place === undefined ? 'no launcher started it' : undefined,
    place: place ?? 'installed',
    trial: place === undefined ? undefined : env[TRIAL_VARIABLE] || undefined,
    platform: `${process.platform}-${process.arch}`,
    libc: readLibc(),
    async install(into, layers, limits, signal) {
      await mkdir(join(data, RELEASE_FOLDER), { recursive: true, mode: 0o700 });
      const files = layers.map((layer) => join(data, layer));
      await unpackLayers(files, folderOf(data, changeable(into)), limits, signal);
    },
    check: (at, signal) => check(options, data, at, signal),
    async discard(at) {
      await rm(folderOf(data, changeable(at)), { recursive: true, force: true });
    },
    relaunch,
  };
}

/** The installed agent is nobody's to change but its owner's. */
function changeable(place: Place): Exclude<Place, 'installed'> {
  if (place !== 'installed') return place;
  throw new FlotillaError('update.check-failed', { place, reason: 'it is not to be changed' });
}

/** `flotilla-agent check` of that agent says who it is; anything else says that it does not work. */
async function check(
  { logger }: SelfUpdaterOptions,
  data: string,
  place: Place,
  signal: AbortSignal,
): Promise<CheckedRelease> {
  const program = programOf(data, place);
  const name = 'the check of the new agent';
  const onWarning = (text: string) => logger.warn(text);
  const limits = { name, timeoutMs: CHECK_MS, memoryBytes: LEAST_MEMORY_BYTES, onWarning };
  const [command = '', ...args] = [
    ...limitsOf(limits),
    ...program,
    'check',
    '--data',
    data,
    '--json',
  ];
  const failed = (reason: string, cause?: unknown) =>
    new FlotillaError('update.check-failed', { place, reason }, { cause });
  try {
    const { stdout } = await promisify(execFile)(command, args, {
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
      timeout: CHECK_MS,
      killSignal: 'SIGKILL',
      maxBuffer: 1 << 16,
      signal,
    });
    const said: unknown = JSON.parse(stdout);
    if (isChecked(said)) return said;
  } catch (cause) {
    signal.throwIfAborted();
    throw failed(lastWords(cause), cause);
  }
  throw failed('its check does not say who it is');
}

function isChecked(said: unknown): said is CheckedRelease {
  const { version, protocolMinor } = (said ?? {}) as Partial<CheckedRelease>;
  return typeof version === 'string' && typeof protocolMinor === 'number';
}

/** The last line that it wrote, else how it ended. */
function lastWords(cause: unknown): string {
  const {
    stderr = '',
    code,
    signal,
    message,
  } = cause as Error & {
    readonly stderr?: string;
    readonly code?: number | string;
    readonly signal?: string;
  };
  const line = stderr.trim().split('\n').at(-1)?.slice(0, 300);
  return line || (signal ? `it was ended by ${signal}` : `it ended with ${code ?? message}`);
}
