import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { sharpDecoder } from './sharp-decoder.ts';

/** Two pixels side by side: red, then blue. */
const RAW = Buffer.from([255, 0, 0, 0, 0, 255]);
const RED_BLUE = () => sharp(RAW, { raw: { width: 2, height: 1, channels: 3 } });

const SVG =
  '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"><rect width="4" height="4"/></svg>';

describe('sharpDecoder', () => {
  const decoder = sharpDecoder();

  it('decodes to RGB8', async () => {
    const image = await decoder.decode(await RED_BLUE().png().toBuffer());
    expect([image.width, image.height, ...image.data]).toEqual([2, 1, ...RAW]);
  });

  it('turns the image upright by its EXIF orientation', async () => {
    const turned = await RED_BLUE().withMetadata({ orientation: 6 }).png().toBuffer();
    const image = await decoder.decode(turned);
    expect([image.width, image.height, ...image.data]).toEqual([1, 2, ...RAW]);
  });

  it('flattens alpha onto black, and spreads gray over three channels', async () => {
    const alpha = Buffer.from([200, 100, 50, 255, 200, 100, 50, 0]);
    const png = await sharp(alpha, { raw: { width: 2, height: 1, channels: 4 } })
      .png()
      .toBuffer();
    expect([...(await decoder.decode(png)).data]).toEqual([200, 100, 50, 0, 0, 0]);
    const gray = sharp(Buffer.from([7, 9]), { raw: { width: 2, height: 1, channels: 1 } });
    const grayPng = await gray.toColorspace('b-w').png().toBuffer();
    expect([...(await decoder.decode(grayPng)).data]).toEqual([7, 7, 7, 9, 9, 9]);
  });

  it('brings CMYK, 16 bits and palettes to sRGB', async () => {
    const flat = sharp({ create: { width: 4, height: 4, channels: 3, background: '#808080' } });
    for (const bytes of [
      await flat.clone().toColorspace('cmyk').jpeg({ quality: 100 }).toBuffer(),
      await flat.clone().toColorspace('rgb16').png().toBuffer(),
      await flat.clone().png({ palette: true }).toBuffer(),
      await flat.clone().webp({ lossless: true }).toBuffer(),
    ]) {
      const { data } = await decoder.decode(bytes);
      expect(data).toHaveLength(48);
      expect(Math.abs((data[0] ?? 0) - 128)).toBeLessThan(16);
    }
  });

  it.each([
    ['no bytes', async () => new Uint8Array()],
    ['text', async () => new TextEncoder().encode('not an image at all')],
    ['a drawing', async () => new TextEncoder().encode(SVG)],
    ['a cut file', async () => cut(await noise(64, 'png'))],
    ['a cut photograph', async () => cut(await noise(64, 'jpeg'))],
  ])('refuses %s, and says where it came from', async (_, bytes) => {
    await expect(decoder.decode(await bytes(), 'images/7.jpg')).rejects.toMatchObject({
      code: 'image.undecodable',
      message: expect.stringContaining('images/7.jpg does not decode'),
    });
  });

  it('refuses an image with more pixels than its limit', async () => {
    const small = sharpDecoder({ maxPixels: 1000 });
    await expect(small.decode(await noise(64, 'png'), 'big.png')).rejects.toMatchObject({
      code: 'image.too-large',
      message: expect.stringContaining('big.png: the image has 1 megapixels, more than the 0.001'),
    });
  });
});

async function noise(side: number, format: 'png' | 'jpeg'): Promise<Buffer> {
  const data = Buffer.from(Uint8Array.from({ length: side * side * 3 }, (_, i) => i * 31));
  const image = sharp(data, { raw: { width: side, height: side, channels: 3 } });
  return image.toFormat(format).toBuffer();
}

function cut(bytes: Buffer): Uint8Array {
  return bytes.subarray(0, bytes.length / 2);
}
