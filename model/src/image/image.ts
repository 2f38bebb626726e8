/** Upright image, 8 bits a channel, red green blue interleaved, rows from the top, no padding. */
export interface Rgb8 {
  readonly width: number;
  readonly height: number;
  /** width · height · 3 bytes. */
  readonly data: Uint8Array;
}

/** Port: decodes JPEG, PNG, WebP… Everything after that is our own code, the same everywhere. */
export interface ImageDecoder {
  /**
   * Turns the image upright by its EXIF orientation and drops alpha.
   *
   * @param where file or input that the bytes come from, for messages
   * @throws FlotillaError `image.undecodable`, `image.too-large`
   */
  decode(bytes: Uint8Array, where?: string): Promise<Rgb8>;
}
