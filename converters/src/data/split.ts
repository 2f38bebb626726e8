/** 32-bit FNV-1a, the hash of the split: stable across platforms and versions. */
function fnv1a(text: string, seed: number): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (const byte of new TextEncoder().encode(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  // FNV's low bits mix well, its high bits poorly on short names: finish as MurmurHash3 does.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35) >>> 0;
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * Orders items by a seeded hash of their names: a draw that depends on neither the order of the
 * folder nor on chance.
 */
export function shuffleByName<T extends { readonly name: string }>(
  items: readonly T[],
  seed: number,
): T[] {
  const keyed = items.map((item) => ({ item, key: fnv1a(item.name, seed) }));
  keyed.sort((a, b) => a.key - b.key || (a.item.name < b.item.name ? -1 : 1));
  return keyed.map(({ item }) => item);
}

/**
 * Divides one folder into disjoint samples for several purposes.
 *
 * @param sizes of the parts; a part is smaller where the items do not reach
 * @returns one part for each size, and what is left
 */
export function divideByName<T extends { readonly name: string }>(
  items: readonly T[],
  sizes: readonly number[],
  seed: number,
): { readonly parts: readonly (readonly T[])[]; readonly rest: readonly T[] } {
  const drawn = shuffleByName(items, seed);
  let start = 0;
  const parts = sizes.map((size) => {
    const part = drawn.slice(start, start + size);
    start += part.length;
    return part;
  });
  return { parts, rest: drawn.slice(start) };
}
