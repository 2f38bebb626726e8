import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { renderPart } from './frame.ts';
import { type Drift, PART_LABELS } from './labels.ts';
import { seedOf } from './random.ts';
import { FRAME } from './scene.ts';

/** Rows of the sheet: clean parts first, then each drift at full strength. */
const ROWS: readonly { readonly seed: number; readonly drift: Drift | undefined }[] = [
  { seed: 1, drift: undefined },
  { seed: 2, drift: undefined },
  { seed: 3, drift: undefined },
  { seed: 2, drift: 'lamp' },
  { seed: 3, drift: 'camera' },
];

/** One picture of every class in a column, in rows of clean and drifted frames. */
async function renderContactSheet(): Promise<Buffer> {
  const tiles = ROWS.flatMap(({ seed, drift }, row) =>
    PART_LABELS.map(async (label, column) => {
      const frame = await renderPart({ label, seed: seedOf(seed, column), drift, format: 'raw' });
      return {
        input: Buffer.from(frame.bytes),
        raw: { ...FRAME, channels: 3 as const },
        left: column * FRAME.width,
        top: row * FRAME.height,
      };
    }),
  );
  const width = PART_LABELS.length * FRAME.width;
  const height = ROWS.length * FRAME.height;
  return sharp({ create: { width, height, channels: 3, background: '#fff' } })
    .composite(await Promise.all(tiles))
    .jpeg({ quality: 80 })
    .toBuffer();
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { out: { type: 'string', default: 'contact-sheet.jpg' } },
  });
  await writeFile(values.out, await renderContactSheet());
}

if (import.meta.main) {
  await main();
}
