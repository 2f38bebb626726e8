import { FlotillaError } from '@flotilla/protocol';
import type { Sharp } from 'sharp';
import type { ImageDecoder, Rgb8 } from '../image/image.ts';

export interface SharpDecoderOptions {
  /** Largest image that is decoded; default 50 million pixels. */
  readonly maxPixels?: number;
}

/** Largest that may be asked for: 100 megapixels are 300 MB of RGB8. */
const MOST_PIXELS = 100_000_000;
/** By libvips' names; SVG is not among them: it is a program that draws, and reads other files. */
const FORMATS: readonly string[] = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'heif'];

/**
 * Decodes JPEG, PNG, WebP, GIF, TIFF and AVIF with sharp (libvips): upright by EXIF orientation,
 * sRGB, 8 bits, alpha flattened onto black, the first frame of an animation. A damaged file is
 * refused, not guessed at.
 */
export function sharpDecoder(options: SharpDecoderOptions = {}): ImageDecoder {
  const limit = Math.min(options.maxPixels ?? 50_000_000, MOST_PIXELS);
  return {
    async decode(bytes, where = 'the image') {
      if (bytes.length === 0) throw undecodable(where, 'it is empty');
      // a device that is never sent an image spares the memory of it
      const { default: sharp } = await import('sharp');
      sharp.cache(false);
      try {
        // The header is read alone first, and checked against the limit here.
        const image = sharp(bytes, { limitInputPixels: false, failOn: 'error' });
        await checkHeader(image, limit, where);
        return await toRgb8(image);
      } catch (cause) {
        if (cause instanceof FlotillaError) throw cause;
        throw undecodable(where, cause instanceof Error ? cause.message : String(cause), cause);
      }
    },
  };
}

async function checkHeader(image: Sharp, limit: number, where: string): Promise<void> {
  const { format, width, height } = await image.metadata();
  if (!FORMATS.includes(format)) throw undecodable(where, `its format ${format} is not supported`);
  if (width * height <= limit) return;
  throw new FlotillaError('image.too-large', {
    where,
    megapixels: Math.ceil(width * height * 1e-6),
    limit: limit * 1e-6,
  });
}

async function toRgb8(image: Sharp): Promise<Rgb8> {
  const { data, info } = await image
    .autoOrient()
    .flatten({ background: '#000000' })
    .toColorspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  return { width, height, data: channels === 3 ? data : spread(data, channels) };
}

/** A gray image comes with one channel. */
function spread(gray: Uint8Array, channels: number): Uint8Array {
  const data = new Uint8Array((gray.length / channels) * 3);
  for (let s = 0, o = 0; s < gray.length; s += channels, o += 3) {
    data.fill(gray[s]!, o, o + 3);
  }
  return data;
}

function undecodable(where: string, reason: string, cause?: unknown): FlotillaError {
  return new FlotillaError('image.undecodable', { where, reason }, { cause });
}
