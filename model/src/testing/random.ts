/** Seeded uniform numbers from 0 to 1 (mulberry32), so that a test sees the same each time. */
export function uniforms(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Seeded normal numbers (Box and Muller). */
export function normals(seed: number): (mean?: number, std?: number) => number {
  const uniform = uniforms(seed);
  return (mean = 0, std = 1) => {
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    return mean + std * radius * Math.cos(2 * Math.PI * uniform());
  };
}
