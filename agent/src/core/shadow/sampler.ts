/**
 * Chooses a share of what comes, by xorshift32 (Marsaglia 2003) from a seed. Not by every n-th: a
 * device that asks in turns, camera after camera, would show the same one for ever. And by no clock
 * or chance of the process: the same inferences after the same start are the same choice.
 *
 * @param seed any text
 * @returns whether to take the next one, of which `permille` of 1000 are taken
 */
export function createSampler(seed: string): (permille: number) => boolean {
  let state = hash(seed) || 1;
  return (permille) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % 1000 < permille;
  };
}

/** FNV-1a over UTF-16 code units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  return value | 0;
}
