/** How screens write the figures, sentences and times of a rollout, so that all write them alike. */

/** How a number is told, with its unit. */
export type Write = (value: number) => string;

export const digits: Write = (value) => `${Number(value.toPrecision(3))}`.replace('-', '−');
export const times: Write = (ratio) => `${Number(ratio.toPrecision(4))} ×`;
export const share: Write = (value) => `${(value * 100).toFixed(1)} %`;
export const signed: Write = (value) => (value > 0 ? `+${digits(value)}` : digits(value));
export const signedShare: Write = (value) => {
  const text = share(Math.abs(value));
  return text === share(0) ? text : `${value < 0 ? '−' : '+'}${text}`;
};

/** A verdict's sentence without the state, where that is told beside it. */
export const said = (sentence: string): string =>
  sentence.replace(/: (open|closed|waiting)(?=$|;)/, '');

/** What the clocks of server and screen may differ by, and the answer takes. */
const SOON_MS = 5000;

/** Whether what begins then is told as beginning at once. */
export const isSoon = (startMs: number, nowMs: number): boolean => startMs - nowMs < SOON_MS;
