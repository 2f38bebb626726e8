/** Holds each of many keys to a rate; of keys that were quiet nothing is remembered. */
export interface Rates {
  /** Milliseconds until that many more may pass, which are accounted for at once. */
  spend(key: string, amount: number): number;
}

/** Quiet keys are looked for once so many are known. */
const MANY = 1000;

/** @param burst that may pass at once after a pause */
export function createRates(perSecond: number, burst: number, monotonic: () => number): Rates {
  const known = new Map<string, { credit: number; atMs: number }>();

  function refilled(key: string, nowMs: number): number {
    const { credit, atMs } = known.get(key) ?? { credit: burst, atMs: nowMs };
    return Math.min(burst, credit + (perSecond * (nowMs - atMs)) / 1000);
  }

  return {
    spend(key, amount) {
      const nowMs = monotonic();
      if (known.size >= MANY) {
        for (const other of known.keys()) if (refilled(other, nowMs) >= burst) known.delete(other);
      }
      const credit = refilled(key, nowMs) - amount;
      known.set(key, { credit, atMs: nowMs });
      return credit >= 0 ? 0 : (-credit / perSecond) * 1000;
    },
  };
}
