import sharp from 'sharp';
import { expose } from './exposure.ts';
import type { Light, PartLabel } from './labels.ts';
import { composeScene, FRAME, type SceneOptions } from './scene.ts';
import { drawScene } from './svg.ts';

export interface RenderOptions extends SceneOptions {
  /** `jpeg` for a file, `raw` for RGB bytes, rows from the top. */
  readonly format: 'jpeg' | 'raw';
}

export interface RenderedPart {
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly label: PartLabel;
  readonly light: Light;
}

const JPEG_QUALITY = 88;

/** Renders one part on the conveyor as a 160×120 RGB frame; the same options give the same bytes. */
export async function renderPart(options: RenderOptions): Promise<RenderedPart> {
  const scene = composeScene(options);
  const pixels = await sharp(Buffer.from(drawScene(scene)))
    .flatten()
    .blur(scene.camera.blur)
    .raw()
    .toBuffer();
  expose(pixels, scene.illumination, scene.textureSeed);
  const bytes = options.format === 'raw' ? pixels : await encode(pixels);
  return { bytes, ...FRAME, label: options.label, light: scene.light };
}

function encode(pixels: Uint8Array): Promise<Buffer> {
  return sharp(pixels, { raw: { ...FRAME, channels: 3 } })
    .jpeg({ quality: JPEG_QUALITY })
    .toBuffer();
}
