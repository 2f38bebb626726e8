import { Moments } from '@flotilla/model';
import type { Comparison, Draft } from '@flotilla/protocol';
import type { Agreement, ClassPair } from '../shadow/agree.ts';

/** Classes that are told of one by one: a window must stay small. */
export const MAX_CLASSES = 4096;
/** Most pairs of classes that are told; and counted, so that memory is bounded too. */
const MAX_TOLD = 256;
const MAX_COUNTED = 4096;

/** What a shadow and the active model said of the same input, and how long their runs took. */
export interface Compared extends Agreement {
  readonly activeRunMs: number;
  readonly shadowRunMs: number;
}

/** Sums of one window. */
export interface OpenComparison {
  /** Of the bundle compared with. */
  readonly activeDigest: string;
  /** Whether there is anything to tell. */
  readonly isEmpty: boolean;
  add(compared: Compared): void;
  skip(): void;
  toWire(): Draft<Comparison>;
}

export function openComparison(activeDigest: string): OpenComparison {
  const pairs = new Map<string, { readonly pair: ClassPair; count: number }>();
  const logLatencyRatio = new Moments();
  const confidenceChange = new Moments();
  let compared = 0;
  let agreed = 0;
  let skipped = 0;

  function count(pair: ClassPair): void {
    if (Math.max(...pair) >= MAX_CLASSES) return;
    const key = pair.join();
    const known = pairs.get(key);
    if (known !== undefined) known.count++;
    else if (pairs.size < MAX_COUNTED) pairs.set(key, { pair, count: 1 });
  }

  return {
    activeDigest,
    get isEmpty() {
      return compared === 0 && skipped === 0;
    },
    add({ activeRunMs, shadowRunMs, ...agreement }) {
      compared += agreement.compared;
      agreed += agreement.agreed;
      for (const pair of agreement.differing) count(pair);
      for (const change of agreement.confidenceChanges) confidenceChange.record(change);
      // a clock without fine steps tells nothing of the quickest models
      if (activeRunMs > 0 && shadowRunMs > 0) {
        logLatencyRatio.record(Math.log(shadowRunMs / activeRunMs));
      }
    },
    skip() {
      skipped++;
    },
    toWire: () => ({
      compared,
      agreed,
      disagreements: [...pairs.values()]
        .sort((a, b) => b.count - a.count)
        .slice(0, MAX_TOLD)
        .map(({ pair: [active, shadow], count }) => ({ active, shadow, count })),
      logLatencyRatio: logLatencyRatio.toWire(),
      confidenceChange: confidenceChange.toWire(),
      skipped,
      activeDigest,
    }),
  };
}
