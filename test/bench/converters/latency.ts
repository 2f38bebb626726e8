import type { Session, Tensors } from '@flotilla/model';

const ROUNDS = 5;
const PROBES = 4;
/** A block of runs takes about as long, so that the clock's grain and one interruption do not show. */
const BLOCK_MS = 60;
const LEAST_RUNS = 5;

/**
 * Milliseconds of one run of each session: all take turns five times, in another order each time,
 * and the median of a session's turns is its figure. A turn is a block of runs of which the median
 * counts.
 */
export async function interleaved(
  sessions: readonly Session[],
  feeds: readonly Tensors[],
): Promise<number[]> {
  const probes = feeds.slice(0, PROBES);
  const runs: number[] = [];
  for (const session of sessions) {
    await block(session, probes, 2);
    const once = await block(session, probes, LEAST_RUNS);
    runs.push(Math.max(LEAST_RUNS, Math.round(BLOCK_MS / once)));
  }
  const times: number[][] = sessions.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (let turn = 0; turn < sessions.length; turn++) {
      const i = (turn + round) % sessions.length;
      times[i]!.push(await block(sessions[i]!, probes, runs[i]!));
    }
  }
  return times.map(median);
}

async function block(session: Session, probes: readonly Tensors[], runs: number): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const feeds = probes[run % probes.length] ?? {};
    const start = performance.now();
    await session.run(feeds);
    times.push(performance.now() - start);
  }
  return median(times);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
