import { FlotillaError } from '@flotilla/protocol';
import { MAX_CLIP_SAMPLES } from '../spec/audio-schema.ts';

/** Sound of one channel. */
export interface AudioClip {
  /** Samples per second. */
  readonly sampleRate: number;
  /** From −1 to 1. */
  readonly samples: Float32Array;
}

interface Format {
  readonly code: number;
  readonly channels: number;
  readonly sampleRate: number;
  readonly bits: number;
}

const MIN_RATE = 1000;
const MAX_RATE = 768_000;
const MAX_CHANNELS = 64;
/** WAVE_FORMAT_EXTENSIBLE: the format stands first in its GUID. */
const EXTENSIBLE = 0xfffe;
const GUID_OFFSET = 24;

type ReadSample = (view: DataView, at: number) => number;

/** By format code (1 integers, 3 floats) and bits. RIFF MCI, "Multimedia Programming Interface", 1991. */
const READERS: Readonly<Record<string, ReadSample>> = {
  '1/8': (view, at) => (view.getUint8(at) - 128) / 2 ** 7,
  '1/16': (view, at) => view.getInt16(at, true) / 2 ** 15,
  '1/24': (view, at) => (view.getUint16(at, true) + view.getInt8(at + 2) * 2 ** 16) / 2 ** 23,
  '1/32': (view, at) => view.getInt32(at, true) / 2 ** 31,
  '3/32': (view, at) => view.getFloat32(at, true),
  '3/64': (view, at) => view.getFloat64(at, true),
};

/**
 * Decodes a RIFF WAVE file of integers (8, 16, 24, 32 bits) or floats (32, 64 bits) into the mean of
 * its channels. A length that the file does not have, as in a stream, means until its end.
 *
 * @param where file or input that the bytes come from, for messages
 * @throws FlotillaError `audio.undecodable`
 */
export function decodeWav(bytes: Uint8Array, where = 'the request'): AudioClip {
  const fail = (reason: string): never => {
    throw new FlotillaError('audio.undecodable', { where, reason });
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || textAt(view, 0) !== 'RIFF' || textAt(view, 8) !== 'WAVE') {
    return fail('it is no RIFF WAVE file');
  }
  let format: Format | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const id = textAt(view, at);
    const length = Math.min(view.getUint32(at + 4, true), bytes.length - at - 8);
    if (id === 'fmt ') format = readFormat(view, at + 8, length, fail);
    if (id === 'data') {
      if (!format) return fail('its data comes before its format');
      return readSamples(
        new DataView(bytes.buffer, bytes.byteOffset + at + 8, length),
        format,
        fail,
      );
    }
    // Chunks are padded to an even length.
    at += 8 + length + (length % 2);
  }
  return fail('it holds no data');
}

function textAt(view: DataView, at: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));
}

function readFormat(
  view: DataView,
  at: number,
  length: number,
  fail: (reason: string) => never,
): Format {
  if (length < 16) return fail(`its format has ${length} bytes, fewer than 16`);
  const code = view.getUint16(at, true);
  const channels = view.getUint16(at + 2, true);
  const sampleRate = view.getUint32(at + 4, true);
  const block = view.getUint16(at + 12, true);
  const bits = view.getUint16(at + 14, true);
  if (channels < 1 || channels > MAX_CHANNELS) {
    return fail(`it has ${channels} channels; 1 to ${MAX_CHANNELS} are read`);
  }
  if (sampleRate < MIN_RATE || sampleRate > MAX_RATE) {
    return fail(`it has ${sampleRate} samples per second; ${MIN_RATE} to ${MAX_RATE} are read`);
  }
  if (block !== (channels * bits) / 8) {
    return fail(`its frames of ${block} bytes do not fit ${channels} × ${bits} bits`);
  }
  if (code !== EXTENSIBLE) return { code, channels, sampleRate, bits };
  if (length < GUID_OFFSET + 2) return fail('its extensible format is cut off');
  return { code: view.getUint16(at + GUID_OFFSET, true), channels, sampleRate, bits };
}

function readSamples(
  view: DataView,
  { code, channels, sampleRate, bits }: Format,
  fail: (reason: string) => never,
): AudioClip {
  const key = `${code}/${bits}`;
  const read = Object.hasOwn(READERS, key) ? READERS[key] : undefined;
  if (!read) {
    const known = 'integers of 8, 16, 24 and 32 bits and floats of 32 and 64 are read';
    return fail(`it holds format ${code} of ${bits} bits; ${known}`);
  }
  const size = bits / 8;
  const frames = Math.floor(view.byteLength / (size * channels));
  if (frames > MAX_CLIP_SAMPLES) {
    return fail(`it has ${frames} samples, more than the ${MAX_CLIP_SAMPLES} that are read`);
  }
  const samples = new Float32Array(frames);
  for (let i = 0, at = 0; i < frames; i++) {
    let sum = 0;
    for (let c = 0; c < channels; c++, at += size) sum += read(view, at);
    samples[i] = sum / channels;
  }
  if (!samples.every(Number.isFinite)) return fail('it holds numbers that are not finite');
  return { sampleRate, samples };
}
