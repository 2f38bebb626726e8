const MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const BYTES = { kB: 1e3, MB: 1e6, GB: 1e9 } as const;

/** Milliseconds of a text such as `500ms` or `10s`, which the schema has checked. */
export function milliseconds(text: string): number {
  const [, number = '', unit = 'ms'] = /^([\d.]+)(ms|s|m|h)$/.exec(text) ?? [];
  return Number(number) * MS[unit as keyof typeof MS];
}

/** Bytes of a number or a text such as `10MB`, which the schema has checked. */
export function byteCount(value: number | string): number {
  if (typeof value === 'number') return value;
  const [, number = '', unit = 'kB'] = /^(\d+) ?(kB|MB|GB)$/.exec(value) ?? [];
  return Number(number) * BYTES[unit as keyof typeof BYTES];
}
