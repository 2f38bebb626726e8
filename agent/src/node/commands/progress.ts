import type { Io } from './command.ts';

/** One line on a terminal that is drawn over; nothing elsewhere. */
export interface Progress {
  /** @param share of the work that is done, 0 to 1 */
  update(label: string, share: number): void;
  /** Removes the line. */
  clear(): void;
}

const WIDTH = 24;

export function progressOn({ terminal }: Io): Progress {
  let drawn = '';
  return {
    update(label, share) {
      const full = Math.round(WIDTH * Math.min(1, Math.max(0, share)));
      const bar = '█'.repeat(full) + '░'.repeat(WIDTH - full);
      const line = `${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${label}`;
      if (line === drawn) return;
      drawn = line;
      terminal?.(`\r\u001b[2K${line}`);
    },
    clear() {
      if (drawn !== '') terminal?.('\r\u001b[2K');
      drawn = '';
    },
  };
}
