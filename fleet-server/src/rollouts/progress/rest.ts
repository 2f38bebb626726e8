/** As a multiple of what the answer took: what takes the server long is asked for seldom. */
const REST = 5;
/** Nobody is to look for longer at what is old. */
const MOST_MS = 30_000;

/**
 * How long to wait between an answer and the next question, in ms. One that failed is no cause to
 * wait for more than the interval.
 *
 * @param tookMs of an answer that came
 */
export const restMs = (intervalMs: number, tookMs: number): number =>
  Math.max(intervalMs, Math.min(REST * tookMs, MOST_MS));
