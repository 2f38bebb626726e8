import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasFfmpeg, makeWithFfmpeg } from '../../../../test/support/ffmpeg.ts';
import { createFlowBed, type FlowBed, untilFlow } from '../../testing/flow-bed.ts';
import { HEARD, makeSoundBundle } from '../../testing/sound-bundle.ts';
import { createSoundWindows } from './sound-windows.ts';

describe('windows of sound', () => {
  /** Samples 0, 1, 2… cut into chunks of these lengths in bytes. */
  function cut(count: number, length: number, hop: number, cuts: readonly number[]): number[][] {
    const bytes = new Uint8Array(Int16Array.from({ length: count }, (_, i) => i).buffer);
    const windows = createSoundWindows(length, hop);
    const found: number[][] = [];
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const size = cuts[i % cuts.length] ?? 1;
      for (const { samples, start } of windows.push(bytes.subarray(at, at + size))) {
        expect(samples[0]).toBe(start);
        found.push([...samples]);
      }
      at += size;
    }
    for (const { samples } of windows.end()) found.push([...samples]);
    return found;
  }

  test('overlap, follow each other, or leave sound out', () => {
    expect(cut(10, 4, 2, [3])).toEqual([
      [0, 1, 2, 3],
      [2, 3, 4, 5],
      [4, 5, 6, 7],
      [6, 7, 8, 9],
    ]);
    expect(cut(8, 4, 4, [5])).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ]);
    expect(cut(11, 2, 4, [7])).toEqual([
      [0, 1],
      [4, 5],
      [8, 9],
    ]);
  });

  test('end with what is left, unless it is next to nothing', () => {
    expect(cut(11, 4, 2, [9]).at(-1)).toEqual([8, 9, 10]);
    expect(cut(6, 4, 4, [64]).at(-1)).toEqual([4, 5]);
    expect(cut(41, 20, 20, [64])).toHaveLength(2);
  });

  test('are the same, wherever the stream is cut', () => {
    const sizes = fc.tuple(
      fc.nat(200),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 30 }),
    );
    const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 });
    fc.assert(
      fc.property(sizes, cuts, ([count, length, hop], some) => {
        expect(cut(count, length, hop, some)).toEqual(cut(count, length, hop, [1000]));
      }),
    );
  });
});

describe.skipIf(!hasFfmpeg())('sound by ffmpeg', () => {
  let bed: FlowBed;
  beforeAll(async () => {
    bed = await createFlowBed({ bundle: await makeSoundBundle() });
  });
  afterAll(() => bed.close());
  const flow = (source: string) =>
    `flows: [{ name: ear, model: parts, source: ${source}, sinks: [{ jsonl: out.jsonl, flush: 10ms }] }]`;

  test('of a file comes in windows as the model hears them, at its rate', async () => {
    // a step every 400 samples tells which window is which
    const steps = Int16Array.from({ length: 5 * HEARD }, (_, i) => Math.floor(i / HEARD) * 3000);
    const [raw, wav] = [join(bed.folder, 'steps.raw'), join(bed.folder, 'steps.wav')];
    await writeFile(raw, new Uint8Array(steps.buffer));
    await makeWithFfmpeg('-f', 's16le', '-ar', '8000', '-ac', '1', '-i', raw, wav);
    const flows = await bed.start(flow('{ wav: steps.wav }'));
    const status = await untilFlow(flows, ({ state }) => state === 'ended');
    expect(status).toMatchObject({ items: 5, inferred: 5, failed: 0, dropped: 0 });
    await flows.stop();
    const records = await bed.records('out.jsonl');
    expect(records.map(({ source }) => source)).toEqual([
      '0.00 s',
      '0.05 s',
      '0.10 s',
      '0.15 s',
      '0.20 s',
    ]);
    const levels = records.map(({ prediction }) => {
      const { outputs } = prediction as { outputs: { y: { values: number[] } } };
      return outputs.y.values[200];
    });
    for (const [i, level] of levels.entries()) expect(level).toBeCloseTo((i * 3000) / 2 ** 15, 6);
  });

  test('of a microphone does not end; the device is opened anew when it is gone', async () => {
    // the null device of ALSA is always there
    const flows = await bed.start(flow('{ microphone: "null" }'));
    await untilFlow(flows, ({ inferred }) => inferred > 3);
    await flows.stop();
    const gone = await bed.start(flow('{ microphone: "plughw:7,0" }'));
    const { error } = await untilFlow(gone, ({ restarts }) => restarts > 0);
    expect(error).toMatch(
      /^microphone plughw:7,0 gives nothing: .*No such (file or directory|device)/,
    );
    await gone.stop();
  });
});
