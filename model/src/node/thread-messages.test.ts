import { expect, test } from 'vitest';
import type { Tensors } from '../tensor.ts';
import { detached, flatten, unflatten } from './thread-messages.ts';

test('a tensor over a Buffer is copied out of the pool that Node shares', () => {
  const data = Buffer.from([1, 2, 3]);
  const { copy, buffers } = detached({ image: { type: 'UINT8', shape: [3], data } });
  expect(copy.image?.data).toEqual(new Uint8Array([1, 2, 3]));
  expect(buffers).toHaveLength(1);
  expect(buffers[0]).not.toBe(data.buffer);
  expect(buffers[0]?.byteLength).toBe(3);
});

test('the tensors that were given stay usable', () => {
  const data = new BigInt64Array([7n]);
  const { copy, buffers } = detached({ x: { type: 'INT64', shape: [1], data } });
  structuredClone(copy, { transfer: buffers });
  expect(data).toEqual(new BigInt64Array([7n]));
});

test('flat tensors come back with their names, types and shapes', () => {
  const tensors: Tensors = {
    image: { type: 'UINT8', shape: [1, 2], data: Uint8Array.of(1, 2) },
    ['__proto__']: { type: 'BOOL', shape: [], data: Uint8Array.of(1) },
  };
  expect(unflatten(flatten(tensors).flat)).toEqual(tensors);
});
