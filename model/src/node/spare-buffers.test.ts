import { expect, test } from 'vitest';
import { createSpareBuffers } from './spare-buffers.ts';

test('gives a buffer of the same size out again, and each only once', () => {
  const spare = createSpareBuffers();
  const buffer = new ArrayBuffer(8);
  spare.give([buffer, new ArrayBuffer(4)]);
  expect(spare.take(8)).toBe(buffer);
  const other = spare.take(8);
  expect(other).not.toBe(buffer);
  expect(other.byteLength).toBe(8);
});

test('keeps no more than its bytes, the newest first', () => {
  const spare = createSpareBuffers(10);
  const [old, middle, young] = [new ArrayBuffer(4), new ArrayBuffer(5), new ArrayBuffer(3)];
  spare.give([old, middle, young, new ArrayBuffer(11)]);
  expect(spare.take(3)).not.toBe(young);
  spare.give([old, middle, young]);
  expect(spare.take(4)).not.toBe(old);
  expect(spare.take(5)).toBe(middle);
  expect(spare.take(3)).toBe(young);
});
