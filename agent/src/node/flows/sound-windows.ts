/** A stretch of sound, and where it starts in the stream, in samples. */
export interface SoundWindow {
  readonly samples: Int16Array<ArrayBuffer>;
  readonly start: number;
}

const SAMPLE_BYTES = 2;
/** Sound that is left at an end is a window of its own from this share of one. */
const LEAST_REST = 0.1;

/**
 * Cuts a stream of 16-bit samples, little endian, into windows that overlap where `hop` is shorter than
 * one and leave sound out where it is longer. Lengths are in samples.
 */
export function createSoundWindows(length: number, hop: number) {
  const size = length * SAMPLE_BYTES;
  const overlap = Math.max(0, length - hop) * SAMPLE_BYTES;
  const held = new Uint8Array(size);
  let filled = 0;
  /** Bytes of those held that a window had already. */
  let had = 0;
  /** Bytes to leave out. */
  let skip = 0;
  let start = 0;

  function window(bytes: number): SoundWindow {
    // a whole number of samples, in a buffer of its own
    const own = held.slice(0, bytes - (bytes % SAMPLE_BYTES));
    return { samples: new Int16Array(own.buffer), start };
  }

  return {
    *push(chunk: Uint8Array): Generator<SoundWindow> {
      for (let at = 0; at < chunk.length; ) {
        const left = Math.min(skip, chunk.length - at);
        skip -= left;
        at += left;
        const part = chunk.subarray(at, at + size - filled);
        held.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled < size) continue;
        yield window(size);
        held.copyWithin(0, size - overlap);
        filled = overlap;
        had = overlap;
        skip = Math.max(0, hop - length) * SAMPLE_BYTES;
        start += hop;
      }
    },
    /** What is left at the end, where no window had it yet and it is more than a little. */
    *end(): Generator<SoundWindow> {
      if (filled - had >= size * LEAST_REST) yield window(filled);
    },
  };
}
