import { FlotillaError } from '@flotilla/protocol';
import { type FfmpegRun, runFfmpeg } from './ffmpeg.ts';
import type { Item } from './inlet.ts';
import type { SourceOutput } from './source.ts';

export interface FfmpegSourceRun extends FfmpegRun {
  readonly label: string;
  /** Its end is a failure: a camera has none. */
  readonly endless: boolean;
}

export interface FfmpegSourceOutput extends Pick<SourceOutput, 'emit'> {
  readonly lossless: boolean;
  /** Items that are whole with a chunk. */
  itemsOf(chunk: Uint8Array): Iterable<Item>;
}

/**
 * Gives what ffmpeg writes as items, until it is at its end or the signal aborts.
 *
 * @throws FlotillaError `flow.source-failed`, `flow.ffmpeg-missing`
 */
export async function runFfmpegSource(
  run: FfmpegSourceRun,
  { emit, lossless, itemsOf }: FfmpegSourceOutput,
  signal: AbortSignal,
): Promise<void> {
  const fail = (reason: string): never => {
    throw new FlotillaError('flow.source-failed', { source: run.label, reason });
  };
  const emitAll = async (chunk: Uint8Array) => {
    for (const item of itemsOf(chunk)) await emit(item);
  };
  const emitLatest = (chunk: Uint8Array) => {
    // room is made at once: a live source does not wait
    for (const item of itemsOf(chunk)) void emit(item);
    return undefined;
  };
  await runFfmpeg(run, signal, lossless ? emitAll : emitLatest).catch((error: unknown) => {
    if (error instanceof FlotillaError) throw error;
    return fail(error instanceof Error ? error.message : String(error));
  });
  if (run.endless && !signal.aborted) fail('it came to its end');
}
