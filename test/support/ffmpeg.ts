import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { skipOrFail } from './skip.ts';

const FFMPEG = '/usr/bin/ffmpeg';

/** Whether ffmpeg is there; says what is skipped where it is not. */
export function hasFfmpeg(): boolean {
  if (existsSync(FFMPEG)) return true;
  skipOrFail('cameras, video files and streams', `no ${FFMPEG}`);
  return false;
}

/** Makes a file with ffmpeg. */
export async function makeWithFfmpeg(...args: string[]): Promise<void> {
  await promisify(execFile)(FFMPEG, ['-hide_banner', '-loglevel', 'error', '-y', ...args]);
}

/** Processes of ffmpeg whose command line holds the text. */
export async function ffmpegPids(text: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return words.startsWith('ffmpeg\0') && words.includes(text) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}
