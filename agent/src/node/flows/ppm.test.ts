import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPpmReader } from './ppm.ts';

const fail = (reason: string): never => {
  throw new Error(reason);
};
const picture = (width: number, height: number, level: number) =>
  Buffer.concat([
    Buffer.from(`P6\n${width} ${height}\n255\n`),
    Buffer.alloc(width * height * 3, level),
  ]);

test('gives the same frames, wherever the stream is cut', () => {
  const size = fc.integer({ min: 1, max: 9 });
  const pictures = fc.array(fc.tuple(size, size, fc.nat(255)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(
      pictures,
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (all, cuts) => {
        const stream = Buffer.concat(all.map((one) => picture(...one)));
        const reader = createPpmReader(fail);
        const seen: [number, number, number][] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const length = cuts[i % cuts.length] ?? 1;
          for (const { width, height, data, release } of reader.push(
            stream.subarray(at, at + length),
          )) {
            expect(data).toHaveLength(width * height * 3);
            expect(new Set(data).size).toBe(1);
            seen.push([width, height, data[0] ?? -1]);
            release();
          }
          at += length;
        }
        expect(seen).toEqual(all);
      },
    ),
  );
});

test('uses buffers again, and never one that somebody still reads', () => {
  const reader = createPpmReader(fail);
  const next = () => [...reader.push(picture(4, 4, 1))][0]!;
  const held = next();
  const buffers = new Set([held.data]);
  for (let i = 0; i < 20; i++) {
    const frame = next();
    expect(frame.data).not.toBe(held.data);
    buffers.add(frame.data);
    frame.release();
  }
  expect(buffers.size).toBeLessThanOrEqual(3);
});

test.each([
  ['words', 'Input/output error while reading\n', 'something other than frames'],
  ['a frame without end', 'P6\n99999 99999\n255\n', 'larger than 16 megapixels'],
  ['an empty frame', 'P6\n0 5\n255\n', 'are empty'],
])('refuses %s', (_what, text, message) => {
  expect(() => [...createPpmReader(fail).push(Buffer.from(text))]).toThrow(message);
});
