import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConvertRequest, ConvertResult, Progress } from '@flotilla/converters';
import { runLimited } from '@flotilla/model/node';
import { asFlotillaError, FlotillaError } from '@flotilla/protocol';
import { writeFileDurably } from '@flotilla/protocol/node';
import type { ServerContext } from '../context.ts';
import type { Upload } from '../registry/upload.ts';
import { buildScript } from './build-script.ts';
import {
  type BuildRequest,
  type BuildRow,
  failBuild,
  setBuild,
  unfinishedBuilds,
} from './store.ts';

export type SourceUpload = Extract<Upload, { kind: 'source' }>;

/** What a finished build has made, before anything of it is signed. */
export interface Built {
  readonly result: ConvertResult;
  /** Folder of the bundles. */
  readonly out: string;
}

export interface Builder {
  /** Folder for a build's upload, which stays until the build has ended. */
  folderOf(build: string): string;
  /** Remembers what was uploaded, so that a restart can go on. */
  prepare(build: string, upload: SourceUpload): Promise<void>;
  /** Puts a build in the queue; one runs at a time. */
  enqueue(build: BuildRow): void;
  /** Goes on with what a stop or a crash cut short. */
  resume(): Promise<void>;
  idle(): Promise<void>;
  /** Ends the running build, which is resumed at the next start. */
  close(): Promise<void>;
}

type Parts = Pick<ServerContext, 'db' | 'now' | 'log' | 'changes' | 'config'>;

const UPLOAD = 'upload.json';
const PROGRESS_MS = 300;

/**
 * @param folder holds one folder for each build under way
 * @param finish signs and publishes what was built; it fails the build by throwing
 */
export function createBuilder(
  parts: Parts,
  folder: string,
  finish: (build: BuildRow, built: Built) => Promise<void>,
): Builder {
  const queue: BuildRow[] = [];
  const stop = new AbortController();
  let running: Promise<void> | undefined;
  const folderOf = (build: string) => join(folder, build);

  const drain = async () => {
    for (let build = queue.shift(); build !== undefined; build = queue.shift()) {
      if (stop.signal.aborted) break;
      await runBuild(parts, folderOf(build.build), build, finish, stop.signal);
    }
    running = undefined;
  };
  const enqueue = (build: BuildRow) => {
    queue.push(build);
    running ??= drain();
  };

  return {
    folderOf,
    prepare: (build, upload) =>
      writeFileDurably(join(folderOf(build), UPLOAD), JSON.stringify(upload)),
    enqueue,
    async resume() {
      const builds = await unfinishedBuilds(parts.db);
      await removeOthers(folder, new Set(builds.map(({ build }) => build)));
      for (const build of builds) enqueue(build);
    },
    idle: async () => running,
    async close() {
      stop.abort();
      await running;
    },
  };
}

/** What a crash has left of uploads that no build knows. */
async function removeOthers(folder: string, known: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!known.has(name)) await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function runBuild(
  parts: Parts,
  folder: string,
  build: BuildRow,
  finish: (build: BuildRow, built: Built) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { db, log, changes, now } = parts;
  const { fleet, model, version } = build;
  const emit = (status: BuildRow['status']) =>
    changes.emit({ topic: 'build', fleet, id: build.build, data: { model, version, status } });
  try {
    await setBuild(db, build, { status: 'running' });
    emit('running');
    await finish(build, await buildVariants(parts, folder, build, signal));
    emit('succeeded');
  } catch (cause) {
    if (signal.aborted) return;
    const error = asFlotillaError(cause);
    log.warn({ fleet, model, version, reason: error.message }, 'build failed');
    await failBuild(db, build, error, now());
    emit('failed');
  }
  await rm(folder, { recursive: true, force: true });
}

/** Converts in a child process with limits of memory and time. */
async function buildVariants(
  parts: Parts,
  folder: string,
  build: BuildRow,
  signal: AbortSignal,
): Promise<Built> {
  const { config, log } = parts;
  const out = join(folder, 'out');
  await rm(out, { recursive: true, force: true });
  const result = await runLimited<ConvertResult, Progress>({
    script: buildScript(),
    name: `building ${build.model}@${build.version}`,
    input: await requestOf(folder, build, out),
    memoryBytes: config.buildMemoryBytes,
    timeoutMs: config.buildTimeoutMs,
    onProgress: progressWriter(parts, build),
    onWarning: (text) => log.warn(text),
    signal,
  });
  if (result.model !== build.model) {
    const where = 'model.yaml';
    const reason = `names model ${result.model}, but it was pushed as ${build.model}`;
    throw new FlotillaError('upload.invalid', { where, reason });
  }
  return { result, out };
}

async function requestOf(folder: string, build: BuildRow, out: string): Promise<ConvertRequest> {
  const request = JSON.parse(build.request) as BuildRequest;
  const text = await readFile(join(folder, UPLOAD), 'utf8').catch((cause) => {
    const what = `build ${build.build}`;
    const reason = 'its upload is gone: push the model again';
    throw new FlotillaError('request.conflict', { what, reason }, { cause });
  });
  const { modelFile, specFile, ...data } = JSON.parse(text) as SourceUpload;
  // One folder of data serves for both: the converter then divides it by a seeded draw.
  const calibration = data.calibration ?? data.evaluation;
  const evaluation = data.evaluation ?? data.calibration;
  return {
    modelFile,
    ...(specFile === undefined ? {} : { specFile }),
    ...(calibration === undefined ? {} : { calibration }),
    ...(evaluation === undefined ? {} : { evaluation }),
    ...(request.maxDrop === undefined ? {} : { maxDrop: request.maxDrop }),
    version: build.version,
    targets: request.targets as ConvertRequest['targets'],
    precisions: request.precisions as ConvertRequest['precisions'],
    out,
  };
}

/** Progress is for people: at most a few a second, and a lost one harms nothing. */
function progressWriter(
  { db, changes, now, log }: Parts,
  build: BuildRow,
): (progress: Progress) => void {
  let last = 0;
  return (progress) => {
    if (now() - last < PROGRESS_MS) return;
    last = now();
    const { fleet, build: id, model, version } = build;
    changes.emit({ topic: 'build', fleet, id, data: { model, version, progress } });
    setBuild(db, build, { progress: JSON.stringify(progress) }).catch((error: Error) =>
      log.debug({ reason: error.message }, 'progress not stored'),
    );
  };
}
