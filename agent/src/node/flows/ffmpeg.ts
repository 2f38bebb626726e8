import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { FlotillaError } from '@flotilla/protocol';
import { redacted } from './address.ts';
import { type FixedBufferPipe, openFixedBufferPipe } from './fixed-buffer-pipe.ts';

const PROGRAM = 'ffmpeg';
/** What it said last is kept, as the reason of its end. */
const KEPT_TEXT = 2_000;
const VERSION_TIMEOUT_MS = 10_000;

export interface FfmpegRun {
  /** Built from checked settings alone; no shell comes between. */
  readonly args: readonly string[];
  /** Ended when it gives nothing for so long, as a stream may that is gone. */
  readonly silentMs: number;
}

/**
 * Runs ffmpeg and hands on what it writes, chunk by chunk; it waits while a chunk is being handled.
 *
 * @param handle of a chunk, which is overwritten when it returns, or its promise resolves
 * @returns when it has ended well, or the signal aborted
 * @throws Error with its own words, `flow.ffmpeg-missing`, or what the handler throws
 */
export async function runFfmpeg(
  run: FfmpegRun,
  signal: AbortSignal,
  handle: (chunk: Uint8Array) => Promise<void> | undefined,
): Promise<void> {
  if (signal.aborted) return;
  const args = await forVersion(run.args);
  const pipe = await openFixedBufferPipe((chunk) => silence.around(() => handle(chunk)));
  const child = spawnInto(pipe, args);
  const silence = watchSilence(run.silentMs);
  const kill = () => child.kill('SIGKILL');
  const over = AbortSignal.any([signal, silence.signal]);
  over.addEventListener('abort', kill, { once: true });
  if (over.aborted) kill();
  const closed = closeOf(child);
  const words = lastWords(child);
  try {
    await pipe.ended;
    const reason = await closed;
    if (signal.aborted) return;
    if (silence.signal.aborted) throw new Error(`nothing came for ${run.silentMs / 1000} s`);
    if (reason !== undefined) throw new Error(redacted(words()) || reason);
  } finally {
    silence.stop();
    kill();
    pipe.destroy();
    await closed;
  }
}

/** Both ends of the pipe close also where there is no memory for a process, which throws. */
function spawnInto({ writer }: FixedBufferPipe, args: readonly string[]): ChildProcess {
  try {
    return spawn(PROGRAM, args, { stdio: ['ignore', writer, 'pipe'] });
  } finally {
    writer.destroy();
  }
}

/** Resolves with why a process ended, undefined where it ended well; rejects if it never began. */
function closeOf(child: ChildProcess): Promise<string | undefined> {
  const closed = once(child, 'close').then(
    ([code, signal]: (number | string | null)[]) =>
      code === 0 ? undefined : `ffmpeg ended by ${signal ?? `code ${code}`}`,
    (cause: NodeJS.ErrnoException) => {
      const reason = cause.code ?? cause.message;
      throw new FlotillaError('flow.ffmpeg-missing', { reason }, { cause });
    },
  );
  closed.catch(() => undefined);
  return closed;
}

function lastWords(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (part: string) => {
    text = (text + part).slice(-KEPT_TEXT);
  });
  return () => text.trim().split('\n').slice(-3).join('; ');
}

/** Its signal aborts when nothing is heard for so long, the time in which a chunk is handled aside. */
function watchSilence(silentMs: number) {
  const silent = new AbortController();
  let held = false;
  const timer = setTimeout(() => {
    if (held) timer.refresh();
    else silent.abort();
  }, silentMs);
  return {
    signal: silent.signal,
    around(handle: () => Promise<void> | undefined): Promise<void> | undefined {
      timer.refresh();
      const busy = handle();
      if (busy === undefined) return undefined;
      held = true;
      return busy.finally(() => {
        held = false;
        timer.refresh();
      });
    },
    stop: () => clearTimeout(timer),
  };
}

/** @throws FlotillaError `flow.ffmpeg-missing` */
export async function ffmpegVersion(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(PROGRAM, ['-version'], {
      timeout: VERSION_TIMEOUT_MS,
    });
    return /^ffmpeg version (\S+)/.exec(stdout)?.[1] ?? 'unknown';
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new FlotillaError('flow.ffmpeg-missing', { reason: code ?? message }, { cause });
  }
}

/** Before 5.1, as on Ubuntu 20.04 and 22.04, `-fps_mode` was called `-vsync`. */
async function forVersion(args: readonly string[]): Promise<string[]> {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(await ffmpegVersion()) ?? [];
  const old = major !== undefined && Number(major) + Number(minor) / 10 < 5.1;
  return args.map((arg) => (old && arg === '-fps_mode' ? '-vsync' : arg));
}
