import { isFlotillaError } from '@flotilla/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type WavForm, wavFile } from '../testing/audio.ts';
import { decodeWav } from './wav.ts';

const MONO: WavForm = { format: 1, bits: 16, channels: 1, sampleRate: 16_000 };

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

describe('decodeWav', () => {
  it.each([
    [{ ...MONO, bits: 8 }, Uint8Array.of(128, 0, 192)],
    [MONO, Int16Array.of(0, -32_768, 16_384)],
    [{ ...MONO, bits: 24 }, Uint8Array.of(0, 0, 0, 0, 0, 0x80, 0, 0, 0x40)],
    [{ ...MONO, bits: 32 }, Int32Array.of(0, -(2 ** 31), 2 ** 30)],
    [{ ...MONO, format: 3, bits: 32 }, Float32Array.of(0, -1, 0.5)],
    [{ ...MONO, format: 3, bits: 64 }, Float64Array.of(0, -1, 0.5)],
    [{ ...MONO, format: 0xfffe, extended: 1 }, Int16Array.of(0, -32_768, 16_384)],
    [{ ...MONO, format: 0xfffe, extended: 3, bits: 32 }, Float32Array.of(0, -1, 0.5)],
  ] satisfies [WavForm, ArrayBufferView][])('reads %o', (form, data) => {
    const clip = decodeWav(wavFile(form, bytesOf(data)));
    expect(clip.sampleRate).toBe(16_000);
    expect([...clip.samples]).toEqual([0, -1, 0.5]);
  });

  it('takes the mean of the channels, and leaves out half a frame at the end', () => {
    const stereo = { ...MONO, channels: 2 };
    const data = bytesOf(Int16Array.of(16_384, -16_384, 16_384, 0, 9));
    expect([...decodeWav(wavFile(stereo, data)).samples]).toEqual([0, 0.25]);
  });

  it('reads to the end what a stream could not tell the length of', () => {
    const data = bytesOf(Int16Array.of(16_384, 16_384));
    const endless = wavFile({ ...MONO, claims: 0xffffffff }, data);
    expect([...decodeWav(endless).samples]).toEqual([0.5, 0.5]);
  });

  it.each([
    ['no WAV', Uint8Array.of(1, 2, 3), 'is no RIFF WAVE file'],
    ['no channels', wavFile({ ...MONO, channels: 0 }, new Uint8Array(2)), '0 channels'],
    ['a rate of 0', wavFile({ ...MONO, sampleRate: 0 }, new Uint8Array(2)), '0 samples per second'],
    ['12 bits', wavFile({ ...MONO, bits: 12 }, new Uint8Array(3)), 'do not fit 1 × 12 bits'],
    ['a codec', wavFile({ ...MONO, format: 0xfffe, extended: 17 }, new Uint8Array(2)), 'format 17'],
    [
      'NaN',
      wavFile({ ...MONO, format: 3, bits: 32 }, bytesOf(Float32Array.of(Number.NaN))),
      'not finite',
    ],
    ['no data', wavFile(MONO, new Uint8Array(2)).subarray(0, 40), 'holds no data'],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => decodeWav(bytes, 'a.wav')).toThrow(`a.wav does not decode as sound`);
    expect(() => decodeWav(bytes, 'a.wav')).toThrow(message);
  });

  it('answers to any bytes with a clip or audio.undecodable', () => {
    const whole = wavFile(MONO, bytesOf(Int16Array.of(1, 2, 3, 4)));
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 6 }), fc.nat(whole.length), (changes, cut) => {
        const bytes = whole.slice(0, cut);
        for (const [at, value] of changes) if (at < cut) bytes[at] = value;
        try {
          return decodeWav(bytes).samples.length <= whole.length;
        } catch (error) {
          return isFlotillaError(error, 'audio.undecodable');
        }
      }),
    );
  });
});
