const MAX_TEXT = 512;
const MAX_ITEMS = 256;

/** What a device said of itself, with texts and lists cut to a sane length before it is stored. */
export function limited<T>(value: T): T {
  return cut(value) as T;
}

function cut(value: unknown): unknown {
  if (typeof value === 'string') return value.slice(0, MAX_TEXT);
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map(cut);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).slice(0, MAX_ITEMS);
  return Object.fromEntries(entries.map(([key, inner]) => [key.slice(0, MAX_TEXT), cut(inner)]));
}
