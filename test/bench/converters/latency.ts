import type { Session, Tensors } from '@flotilla/model';

const ROUNDS = 5;
const PROBES = 4;
/** A block of runs takes about as long, so that the clock's grain and one interruption do not show. */
const BLOCK_MS = 60;
const LEAST_RUNS = 5;

/**
 * Milliseconds of one run of each session, of which the first is the baseline of the others: all
 * take turns five times, in another order each time, each right after a turn of the baseline. A turn
 * is a block of runs of which the median counts; a session's figure is the median of its five ratios
 * to the baseline, so that a machine that is slow for a while is slow for both.
 */
export async function interleaved(
  [baseline, ...others]: readonly [Session, ...Session[]],
  feeds: readonly Tensors[],
): Promise<number[]> {
  const probes = feeds.slice(0, PROBES);
  const turnOf = async (session: Session): Promise<() => Promise<number>> => {
    await block(session, probes, 2);
    const once = await block(session, probes, LEAST_RUNS);
    const runs = Math.max(LEAST_RUNS, Math.round(BLOCK_MS / once));
    return () => block(session, probes, runs);
  };
  const base = await turnOf(baseline);
  const turns: (() => Promise<number>)[] = [];
  for (const session of others) turns.push(await turnOf(session));
  const bases: number[] = [];
  const ratios: number[][] = turns.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (let turn = 0; turn < turns.length; turn++) {
      const i = (turn + round) % turns.length;
      const before = await base();
      bases.push(before);
      ratios[i]!.push((await turns[i]!()) / before);
    }
  }
  const whole = median(bases);
  return [whole, ...ratios.map((each) => whole * median(each))];
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
