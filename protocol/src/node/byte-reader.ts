/** Reads a stream of chunks in portions of a chosen size. */
export interface ByteReader {
  /** Exactly that many bytes; undefined where the stream ends before. */
  read(length: number): Promise<Uint8Array | undefined>;
  /** That many bytes as they come; fewer where the stream ends before. */
  chunks(length: number): AsyncGenerator<Uint8Array>;
  /** Reads what is left of the last `chunks` and `further` bytes; false where the stream ends before. */
  skipTo(further: number): Promise<boolean>;
}

export function createByteReader(source: AsyncIterable<Uint8Array>): ByteReader {
  const iterator = source[Symbol.asyncIterator]();
  let buffered: Uint8Array = new Uint8Array();
  let left = 0;

  /** At most that many bytes of what comes next; undefined at the end. */
  const take = async (most: number): Promise<Uint8Array | undefined> => {
    while (buffered.length === 0) {
      const next = await iterator.next();
      if (next.done === true) return undefined;
      buffered = next.value;
    }
    const taken = buffered.subarray(0, most);
    buffered = buffered.subarray(taken.length);
    return taken;
  };

  async function* rest(): AsyncGenerator<Uint8Array> {
    while (left > 0) {
      const part = await take(left);
      if (part === undefined) return;
      left -= part.length;
      yield part;
    }
  }

  return {
    async read(length) {
      const whole = new Uint8Array(length);
      for (let at = 0; at < length; ) {
        const part = await take(length - at);
        if (part === undefined) return undefined;
        whole.set(part, at);
        at += part.length;
      }
      return whole;
    },
    chunks(length) {
      left = length;
      return rest();
    },
    async skipTo(further) {
      for (left += further; left > 0; ) {
        const part = await take(left);
        if (part === undefined) return false;
        left -= part.length;
      }
      return true;
    },
  };
}
