/** An answer that took longer is kept. */
const SLOW_MS = 100;
/** For so many times as long as it took to find, so that those who ask again and again take a tenth of the time. */
const TIMES = 10;

interface Kept<T> {
  readonly answer: Promise<T>;
  untilMs: number;
}

/**
 * Gives who asks for the same at once, or soon after, the answer that the first one gets, where it
 * takes long to find.
 *
 * @param nowMs a clock that only goes forward
 */
export function keepAnswers<T>(
  nowMs: () => number = () => performance.now(),
): (key: string, find: () => Promise<T>) => Promise<T> {
  const kept = new Map<string, Kept<T>>();

  async function begin(key: string, find: () => Promise<T>): Promise<T> {
    const beganMs = nowMs();
    for (const [other, { untilMs }] of kept) if (untilMs <= beganMs) kept.delete(other);
    const one: Kept<T> = { answer: find(), untilMs: Number.POSITIVE_INFINITY };
    kept.set(key, one);
    try {
      const answer = await one.answer;
      const tookMs = nowMs() - beganMs;
      one.untilMs = tookMs < SLOW_MS ? 0 : nowMs() + TIMES * tookMs;
      return answer;
    } catch (error) {
      kept.delete(key);
      throw error;
    }
  }

  return (key, find) => {
    const one = kept.get(key);
    return one !== undefined && nowMs() < one.untilMs ? one.answer : begin(key, find);
  };
}
