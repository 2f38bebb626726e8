import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConvertRequest, ConvertResult, Progress } from '@flotilla/converters';
import { runLimited } from '@flotilla/model/child';
import { FlotillaError } from '@flotilla/protocol';
import type { ServerContext } from '../context.ts';
import { type BuildJob, type SourceUpload, UPLOAD } from './builder.ts';
import { type BuildRequest, type BuildRow, setBuild } from './store.ts';

/** What a finished build has made, before anything of it is signed. */
export interface Built {
  readonly result: ConvertResult;
  /** Folder of the bundles. */
  readonly out: string;
}

type Parts = Pick<ServerContext, 'db' | 'now' | 'log' | 'changes' | 'config'>;

const PROGRESS_MS = 300;

/**
 * Makes the variants of a model in a child process with limits of memory and time.
 *
 * @throws FlotillaError what the converter found, or how the child ended
 */
export async function buildVariants(
  parts: Parts,
  build: BuildRow,
  { folder, signal }: BuildJob,
): Promise<Built> {
  const { config, log } = parts;
  const out = join(folder, 'out');
  await rm(out, { recursive: true, force: true });
  const result = await runLimited<ConvertResult, Progress>({
    script: new URL('./build-child.ts', import.meta.url),
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
    // Devices of one target differ: one without VNNI, for instance, gets the variant in floats.
    ladder: true,
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
