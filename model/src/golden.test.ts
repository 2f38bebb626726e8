import { isFlotillaError } from '@flotilla/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeGolden, encodeGolden, type Golden } from './golden.ts';
import { ELEMENT_TYPES, type ElementType, type Tensor } from './tensor.ts';

const tensor = fc
  .record({
    type: fc.constantFrom(...(Object.keys(ELEMENT_TYPES) as ElementType[])),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
    fill: fc.uint8Array({ minLength: 512, maxLength: 512 }),
  })
  .map(({ type, shape, fill }): Tensor => {
    const count = shape.reduce((a, b) => a * b, 1);
    return { type, shape, data: new ELEMENT_TYPES[type](fill.slice().buffer, 0, count) };
  });
const tensors = fc.dictionary(fc.string({ minLength: 1 }), tensor, { maxKeys: 3 });
const golden: fc.Arbitrary<Golden> = fc
  .record({
    samples: fc.array(fc.tuple(tensors, tensors), { maxLength: 3 }),
    absolute: fc.double({ min: 0, max: 1, noNaN: true }),
    relative: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ samples, absolute, relative }) => ({
    inputs: samples.map(([input]) => ({ ...input })),
    outputs: samples.map(([, output]) => ({ ...output })),
    tolerance: { absolute, relative },
  }));

describe('golden inputs and outputs', () => {
  it('survive the way through bytes, which are the same each time', () => {
    fc.assert(
      fc.property(golden, (value) => {
        const bytes = encodeGolden(value);
        expect(decodeGolden(bytes)).toEqual(value);
        expect(encodeGolden(decodeGolden(bytes))).toEqual(bytes);
      }),
    );
  });

  it('changed or cut anywhere decode, or are refused as golden.invalid', () => {
    const harm = fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.boolean() });
    fc.assert(
      fc.property(golden, harm, (value, { at, byte, cut }) => {
        const whole = encodeGolden(value);
        const bytes = cut ? whole.subarray(0, at % whole.length) : whole.slice();
        if (!cut) bytes[at % whole.length] = byte;
        try {
          decodeGolden(bytes);
          return true;
        } catch (error) {
          return isFlotillaError(error, 'golden.invalid');
        }
      }),
    );
  });
});
