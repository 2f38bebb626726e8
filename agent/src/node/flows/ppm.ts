import { MAX_FRAME_PIXELS } from './schema.ts';

/** Red green blue, 8 bits each, rows from the top. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  /** width · height · 3 bytes, the reader's own again when `release` is called. */
  readonly data: Uint8Array<ArrayBuffer>;
  release(): void;
}

/** "P6", width, height and 255, a line each or with a space between: ffmpeg writes no comments. */
const HEADER = /^P6\s(\d{1,5})\s(\d{1,5})\s255\s/;
const MAX_HEADER_BYTES = 24;
/** One is written to, one waits, one is looked at: further ones would never be used. */
const SPARE_BUFFERS = 2;

/**
 * Cuts a stream of binary PPM pictures (netpbm.sourceforge.net/doc/ppm.html) into frames. Unlike bare
 * pixels, each tells its size, so that a stream may change it. Buffers are used again.
 *
 * @param fail told why the stream is none of frames, or of too large ones
 */
export function createPpmReader(fail: (reason: string) => never) {
  const spare: Uint8Array<ArrayBuffer>[] = [];
  let head = '';
  let frame: { width: number; height: number; data: Uint8Array<ArrayBuffer> } | undefined;
  let filled = 0;

  function buffer(size: number): Uint8Array<ArrayBuffer> {
    for (let found = spare.pop(); found !== undefined; found = spare.pop()) {
      if (found.length === size) return found;
    }
    return new Uint8Array(size);
  }

  function release(data: Uint8Array<ArrayBuffer>): void {
    if (spare.length < SPARE_BUFFERS) spare.push(data);
  }

  /** @returns how many bytes of the chunk the header took */
  function readHeader(chunk: Uint8Array): number {
    const before = head.length;
    head += String.fromCharCode(...chunk.subarray(0, MAX_HEADER_BYTES - before));
    const [whole, width, height] = HEADER.exec(head) ?? [];
    if (whole === undefined) {
      if (head.length >= MAX_HEADER_BYTES) fail('ffmpeg wrote something other than frames');
      return chunk.length;
    }
    frame = begin(Number(width), Number(height));
    head = '';
    filled = 0;
    return whole.length - before;
  }

  function begin(width: number, height: number) {
    if (width * height > MAX_FRAME_PIXELS) {
      fail(
        `its frames of ${width}x${height} are larger than ${MAX_FRAME_PIXELS / 1e6} megapixels: set size`,
      );
    }
    if (width * height === 0) fail('its frames are empty');
    return { width, height, data: buffer(width * height * 3) };
  }

  return {
    /** Frames that are whole with this chunk; to be read before the next push. */
    *push(chunk: Uint8Array): Generator<Frame> {
      let at = 0;
      while (at < chunk.length) {
        if (frame === undefined) {
          at += readHeader(chunk.subarray(at));
          continue;
        }
        const part = chunk.subarray(at, at + frame.data.length - filled);
        frame.data.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled < frame.data.length) continue;
        const { data } = frame;
        yield { ...frame, release: () => release(data) };
        frame = undefined;
      }
    },
  };
}
