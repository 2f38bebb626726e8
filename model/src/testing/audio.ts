/** A sine of amplitude 1. */
export function tone(hz: number, sampleRate: number, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) =>
    Math.sin((2 * Math.PI * hz * i) / sampleRate),
  );
}

export interface WavForm {
  readonly format: 1 | 3 | 0xfffe;
  readonly bits: number;
  readonly channels: number;
  readonly sampleRate: number;
  /** What stands in the extensible format; 1 or 3. */
  readonly extended?: number;
  /** Length that the data chunk claims; its own where left out. */
  readonly claims?: number;
}

/** A WAV file around encoded samples, with a chunk of odd length before them. */
export function wavFile(form: WavForm, data: Uint8Array): Uint8Array {
  const extensible = form.format === 0xfffe;
  const formatLength = extensible ? 40 : 16;
  const bytes = new Uint8Array(12 + 8 + formatLength + 8 + 4 + 8 + data.length);
  const view = new DataView(bytes.buffer);
  const text = (at: number, value: string) => bytes.set(new TextEncoder().encode(value), at);
  const block = (form.channels * form.bits) / 8;
  text(0, 'RIFF');
  view.setUint32(4, bytes.length - 8, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, formatLength, true);
  view.setUint16(20, form.format, true);
  view.setUint16(22, form.channels, true);
  view.setUint32(24, form.sampleRate, true);
  view.setUint32(28, form.sampleRate * block, true);
  view.setUint16(32, block, true);
  view.setUint16(34, form.bits, true);
  if (extensible) view.setUint16(44, form.extended ?? 1, true);
  const odd = 20 + formatLength;
  text(odd, 'LIST');
  view.setUint32(odd + 4, 3, true);
  text(odd + 12, 'data');
  view.setUint32(odd + 16, form.claims ?? data.length, true);
  bytes.set(data, odd + 20);
  return bytes;
}

/** A mono file of 16-bit samples. */
export function pcm16(samples: Float32Array, sampleRate: number): Uint8Array {
  const data = Int16Array.from(samples, (x) => Math.round(Math.max(-1, Math.min(1, x)) * 32767));
  return wavFile({ format: 1, bits: 16, channels: 1, sampleRate }, new Uint8Array(data.buffer));
}
