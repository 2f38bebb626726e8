import { STANDINGS, type Standing } from './standing.ts';
import type { StandingCounts } from './waves.ts';

/**
 * Devices as at most `cells` cells: one each where there is room, else in proportion; whatever
 * stands for a device at all has a cell, so that one failure among thousands is seen.
 *
 * @param cells at least as many as there are standings
 */
export function spread(counts: StandingCounts, cells: number): Standing[] {
  const present = STANDINGS.flatMap((standing) => {
    const devices = counts[standing] ?? 0;
    return devices > 0 ? [{ standing, devices, cells: devices }] : [];
  });
  const total = present.reduce((sum, { devices }) => sum + devices, 0);
  if (total > cells) {
    for (const one of present) one.cells = Math.max(1, Math.floor((one.devices * cells) / total));
    const owed = (one: (typeof present)[number]) => (one.devices * cells) / total - one.cells;
    for (let left = cells - sumOf(present); left !== 0; left -= Math.sign(left)) {
      const sorted = present.toSorted((a, b) => owed(b) - owed(a));
      const one = left > 0 ? sorted[0] : sorted.findLast((it) => it.cells > 1);
      if (one === undefined) break;
      one.cells += Math.sign(left);
    }
  }
  return present.flatMap((one) => Array<Standing>(one.cells).fill(one.standing));
}

const sumOf = (all: readonly { cells: number }[]): number =>
  all.reduce((sum, { cells }) => sum + cells, 0);
