import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { asFlotillaError } from '@flotilla/protocol';
import { writeFileDurably } from '@flotilla/protocol/node';
import type { ServerContext } from '../context.ts';
import type { Upload } from '../registry/upload.ts';
import { type BuildRow, failBuild, setBuild, unfinishedBuilds } from './store.ts';

export type SourceUpload = Extract<Upload, { kind: 'source' }>;

/** What a build works with. */
export interface BuildJob {
  /** Of this build alone; it is removed when the build has ended. */
  readonly folder: string;
  /** The server stops: the build is given up and done again at the next start. */
  readonly signal: AbortSignal;
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

/** Where a build's folder says what was uploaded. */
export const UPLOAD = 'upload.json';

/**
 * @param folder holds one folder for each build under way
 * @param work makes the version out of what was uploaded; it fails the build by throwing
 */
export function createBuilder(
  parts: Parts,
  folder: string,
  work: (build: BuildRow, job: BuildJob) => Promise<void>,
): Builder {
  const queue: BuildRow[] = [];
  const stop = new AbortController();
  let running: Promise<void> | undefined;
  const folderOf = (build: string) => join(folder, build);

  const drain = async () => {
    for (let build = queue.shift(); build !== undefined; build = queue.shift()) {
      if (stop.signal.aborted) break;
      const job = { folder: folderOf(build.build), signal: stop.signal };
      await runBuild(parts, build, job, work).catch((error: Error) =>
        parts.log.error({ build: build?.build, reason: error.message }, 'build left for later'),
      );
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
  build: BuildRow,
  job: BuildJob,
  work: (build: BuildRow, job: BuildJob) => Promise<void>,
): Promise<void> {
  const { db, log, changes, now } = parts;
  const { fleet, model, version } = build;
  const emit = (status: BuildRow['status']) =>
    changes.emit({ topic: 'build', fleet, id: build.build, data: { model, version, status } });
  try {
    await setBuild(db, build, { status: 'running' });
    emit('running');
    await work(build, job);
    emit('succeeded');
  } catch (cause) {
    if (job.signal.aborted) return;
    const error = asFlotillaError(cause);
    log.warn({ fleet, model, version, reason: error.message }, 'build failed');
    await failBuild(db, build, error, now());
    emit('failed');
  }
  await rm(job.folder, { recursive: true, force: true });
}
