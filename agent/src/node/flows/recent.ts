/** Rates and ages are told of the last so many seconds. */
const WINDOW_MS = 10_000;
const KEPT = 512;

/** Values of the last seconds, the newest 512 at most. */
export interface Recent {
  record(value: number, nowMs: number): void;
  /** Records in a second. */
  rate(nowMs: number): number;
  median(nowMs: number): number | undefined;
}

export function createRecent(): Recent {
  const times = new Float64Array(KEPT);
  const values = new Float64Array(KEPT);
  let count = 0;

  /** Slots of what is not too old, in no order. */
  function recent(nowMs: number): number[] {
    const slots: number[] = [];
    for (let i = 0; i < Math.min(count, KEPT); i++) {
      if (nowMs - times[i]! <= WINDOW_MS) slots.push(i);
    }
    return slots;
  }

  return {
    record(value, nowMs) {
      times[count % KEPT] = nowMs;
      values[count % KEPT] = value;
      count++;
    },
    rate(nowMs) {
      const slots = recent(nowMs);
      if (slots.length < 2) return 0;
      const first = Math.min(...slots.map((i) => times[i]!));
      return ((slots.length - 1) * 1000) / Math.max(1, nowMs - first);
    },
    median(nowMs) {
      const sorted = recent(nowMs)
        .map((i) => values[i]!)
        .sort((a, b) => a - b);
      return sorted[Math.floor((sorted.length - 1) / 2)];
    },
  };
}
