/** Figures as people read them. */

export const percent = (share: number, digits = 1): string => `${(share * 100).toFixed(digits)} %`;

export function points(share: number): string {
  const value = share * 100;
  return `${value > 0 ? '+' : ''}${value.toFixed(2)}`;
}

/** Three significant digits, without an exponent where that stays short; a dash for no number. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? '–' : value > 0 ? '∞' : '−∞';
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  if (magnitude >= 1e5 || magnitude < 1e-3) return value.toExponential(1);
  return `${Number(value.toPrecision(3))}`;
}

/** A round figure on an axis: `1e-7`, not `1.0e-7`. */
export const tickText = (value: number): string => short(value).replace(/\.0e\+?/, 'e');

export const milliseconds = (value: number): string => `${short(value)} ms`;

export function byteCount(bytes: number): string {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} KB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/** Without its folders: a page is handed around, and those of whoever made it are nobody's business. */
export const fileName = (path: string): string => path.split(/[\\/]/).at(-1) ?? '';

export const count = (value: number): string => value.toLocaleString('en-US');
