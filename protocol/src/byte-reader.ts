/** Reads a stream of chunks in pieces of exact length. */
export interface ByteReader {
  /** Bytes read so far. */
  readonly at: number;
  /** The next `length` bytes; fewer where the stream ends before. */
  take(length: number): Promise<Uint8Array>;
  /** The next `length` bytes as they come; ends early where the stream does. */
  stream(length: number): AsyncGenerator<Uint8Array>;
}

export function createByteReader(source: AsyncIterable<Uint8Array>): ByteReader {
  const chunks = source[Symbol.asyncIterator]();
  let rest = new Uint8Array() as Uint8Array;
  let at = 0;

  async function* stream(length: number): AsyncGenerator<Uint8Array> {
    for (let left = length; left > 0; ) {
      if (rest.length === 0) {
        const next = await chunks.next();
        if (next.done) return;
        rest = next.value;
        continue;
      }
      const piece = rest.subarray(0, left);
      rest = rest.subarray(piece.length);
      at += piece.length;
      left -= piece.length;
      yield piece;
    }
  }

  return {
    get at() {
      return at;
    },
    stream,
    async take(length) {
      const whole = new Uint8Array(length);
      let size = 0;
      for await (const piece of stream(length)) {
        whole.set(piece, size);
        size += piece.length;
      }
      return whole.subarray(0, size);
    },
  };
}
