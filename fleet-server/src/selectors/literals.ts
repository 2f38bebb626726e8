const SIZES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  m: 1e6,
  mb: 1e6,
  g: 1e9,
  gb: 1e9,
  t: 1e12,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

const TIMES: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const NUMBER = /^-?\d{1,15}(?:\.\d{1,9})?$/;
const AMOUNT = /^(\d{1,15}(?:\.\d{1,9})?)([a-z]*)$/i;
/** Where a version begins: `6.2 (L4T 36.4.3)` is 6.2, `v1.2-rc1` is 1.2. */
const VERSION = /^v?(\d{1,15}(?:\.\d{1,15}){0,7})/i;

export const readNumber = (text: string): number | undefined =>
  NUMBER.test(text) ? Number(text) : undefined;

/** Bytes: `512MB` and `4GB` by thousands, `4GiB` by 1024. */
export const readSize = (text: string): number | undefined => amountOf(text, SIZES);

/** Milliseconds: `30s`, `10m`, `12h`, `7d`. */
export const readTime = (text: string): number | undefined => amountOf(text, TIMES);

function amountOf(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, amount, unit = ''] = AMOUNT.exec(text) ?? [];
  const name = unit.toLowerCase();
  if (amount === undefined || !Object.hasOwn(units, name)) return undefined;
  return Number(amount) * units[name]!;
}

/** The numbers of a version; what follows them does not count. */
export function readVersion(text: string): readonly number[] | undefined {
  return VERSION.exec(text)?.[1]?.split('.').map(Number);
}

/** Part by part; a part that is missing is 0, so that 1.2 is 1.2.0. */
export function compareVersions(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
