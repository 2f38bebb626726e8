const COUNT = new Intl.NumberFormat('en-US');
/** `1,103`. */
export const writeCount = (number: number): string => COUNT.format(number);

export const plural = (number: number, one: string): string =>
  `${writeCount(number)} ${number === 1 ? one : `${one}s`}`;

export const percent = (share: number): string => `${Number((share * 100).toFixed(1))}%`;

/** Two digits that say something: `0.0005`, `0.00024`. */
export const writeRate = (rate: number): string => String(Number(rate.toPrecision(2)));

/** Odds that an e-value stands for: `40:1`. */
export const writeOdds = (log: number): string =>
  log > 20 ? 'over 1e8:1' : `${Number(Math.exp(Math.max(0, log)).toPrecision(2))}:1`;
