import { bar } from '../ui/progress.ts';
import type { Counts } from './counts.ts';

/** The newest versions come last. */
const MOST_ENDINGS = 8;

/** The lines of the live view. Pure. */
export function viewOf(
  now: Counts,
  before: Counts,
  seconds: number,
  elapsedS: number,
): readonly string[] {
  const { devices, online, pending, crashes } = now;
  const rate = (direction: 'up' | 'down') =>
    count(Math.round((now.messages[direction] - before.messages[direction]) / seconds));
  const share = devices === 0 ? 0 : online / devices;
  return [
    `${bar(share)} ${count(online)} of ${count(devices)} devices online  ${clock(elapsedS)}`,
    `runs       ${list(now.runs) || 'nothing'}`,
    `under way  ${list(now.underWay) || 'nothing'}`,
    ...endedLines(now.ended),
    `messages   ${rate('up')}/s up, ${rate('down')}/s down, ${count(pending)} not acknowledged` +
      (crashes > 0 ? `, ${count(crashes)} crashes` : ''),
  ];
}

/** Attempts end in many ways: each has a line. */
function endedLines(ended: Counts['ended']): string[] {
  const lines = Object.entries(ended).map(([how, n]) => `${count(n)} × ${how}`);
  const [first = 'nothing', ...more] = lines.slice(-MOST_ENDINGS);
  return [`ended      ${first}`, ...more.map((line) => `           ${line}`)];
}

const count = (n: number): string => n.toLocaleString('en-US');

const list = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([key, n]) => `${key}: ${count(n)}`)
    .join(' · ');

function clock(seconds: number): string {
  const rest = `${Math.floor(seconds % 60)}`.padStart(2, '0');
  return `${Math.floor(seconds / 60)}:${rest}`;
}

/** Draws over the lines that it drew before. */
export function liveLines(out: NodeJS.WriteStream): (lines: readonly string[]) => void {
  let drawn = 0;
  return (lines) => {
    const width = Math.max(20, (out.columns || 80) - 1);
    const up = drawn === 0 ? '' : `\u001b[${drawn}A`;
    const text = lines.map((line) => `\u001b[2K${line.slice(0, width)}\n`).join('');
    out.write(`${up}${text}\u001b[0J`);
    drawn = lines.length;
  };
}
