/** Buffers that came back from a thread, for the next copies of their size. */
export interface SpareBuffers {
  /** One of exactly that size, whose content means nothing; a new one where none is there. */
  take(bytes: number): ArrayBuffer;
  /** Keeps what there is room for. */
  give(buffers: readonly ArrayBuffer[]): void;
}

/** Kept at most: the inputs of one run, and not a memory of their own. */
const MOST_BYTES = 8 << 20;

/**
 * A new buffer for an image costs page faults, zeros and garbage, which take longer than the copy.
 */
export function createSpareBuffers(mostBytes = MOST_BYTES): SpareBuffers {
  const spare: ArrayBuffer[] = [];
  const kept = () => spare.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return {
    take(bytes) {
      const at = spare.findIndex(({ byteLength }) => byteLength === bytes);
      return (at < 0 ? undefined : spare.splice(at, 1)[0]) ?? new ArrayBuffer(bytes);
    },
    give(buffers) {
      for (const buffer of buffers) {
        // the oldest goes: sizes change, and what nobody asks for any more must not stay
        while (spare.length > 0 && kept() + buffer.byteLength > mostBytes) spare.shift();
        if (buffer.byteLength > 0 && buffer.byteLength <= mostBytes) spare.push(buffer);
      }
    },
  };
}
