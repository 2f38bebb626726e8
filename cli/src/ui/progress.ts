/** Progress of long work: one line on a terminal that is drawn over, nothing elsewhere. */
export interface Progress {
  /** What the step is, and its share from 0 to 1; without one there is no bar. */
  update(label: string, share?: number): void;
  /** Removes the line, so that other text can follow. */
  clear(): void;
}

const WIDTH = 24;
const REDRAW_MS = 80;

const SILENT: Progress = { update: () => undefined, clear: () => undefined };

export function bar(share: number, width: number = WIDTH): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}

/** Time left, told once there is enough to tell it from. */
export function timeLeft(elapsedMs: number, share: number): string {
  if (share < 0.02 || elapsedMs < 1000 || share >= 1) return '';
  const seconds = Math.ceil((elapsedMs / share - elapsedMs) / 1000);
  return seconds < 60 ? `${seconds} s left` : `${Math.ceil(seconds / 60)} min left`;
}

export function terminalProgress(stream: NodeJS.WriteStream, now = () => Date.now()): Progress {
  if (!stream.isTTY) return SILENT;
  let label = '';
  let started = now();
  let drawn = 0;
  return {
    update(next, share) {
      if (next !== label) {
        label = next;
        started = now();
        drawn = 0;
      }
      if (now() - drawn < REDRAW_MS && share !== 1) return;
      drawn = now();
      const line = lineOf(label, share, now() - started);
      stream.write(`\r\u001b[2K${line.slice(0, Math.max(20, stream.columns - 1))}`);
    },
    clear: () => void stream.write('\r\u001b[2K'),
  };
}

const PLAIN_EVERY_MS = 15_000;

/** For logs and pipes: a line now and then while a step lasts, so that nobody takes it for hung. */
export function plainProgress(
  stream: Pick<NodeJS.WriteStream, 'write'>,
  now = () => Date.now(),
): Progress {
  let label = '';
  let told = 0;
  return {
    update(next, share) {
      if (next !== label) {
        label = next;
        told = now();
      }
      if (now() - told < PLAIN_EVERY_MS) return;
      told = now();
      const percent = share === undefined ? '' : ` (${Math.floor(share * 100)} %)`;
      stream.write(`    ${label}${percent} …\n`);
    },
    clear: () => undefined,
  };
}

function lineOf(label: string, share: number | undefined, elapsedMs: number): string {
  if (share === undefined) return label;
  const percent = `${Math.floor(share * 100)}`.padStart(3);
  return `${bar(share)} ${percent} %  ${label}  ${timeLeft(elapsedMs, share)}`;
}
