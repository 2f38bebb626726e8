/** Transforms complex numbers in place. */
type Transform = (re: Float64Array, im: Float64Array) => void;

/** Writes |X[k]|² of a frame for k from 0 to size / 2. */
export type PowerSpectrum = (frame: Float64Array, power: Float64Array) => void;

/**
 * Power spectra of real frames: the even and odd samples as one complex transform of half the size.
 *
 * @param size even; powers of two are fastest
 */
export function createPowerSpectrum(size: number): PowerSpectrum {
  const half = size / 2;
  const transform = createTransform(half);
  const re = new Float64Array(half);
  const im = new Float64Array(half);
  const cos = Float64Array.from({ length: half + 1 }, (_, k) => Math.cos((2 * Math.PI * k) / size));
  const sin = Float64Array.from({ length: half + 1 }, (_, k) => Math.sin((2 * Math.PI * k) / size));
  return (frame, power) => {
    for (let i = 0; i < half; i++) {
      re[i] = frame[2 * i]!;
      im[i] = frame[2 * i + 1]!;
    }
    transform(re, im);
    for (let k = 0; k <= half; k++) {
      const a = k === half ? 0 : k;
      const b = k === 0 ? 0 : half - k;
      const evenRe = (re[a]! + re[b]!) / 2;
      const evenIm = (im[a]! - im[b]!) / 2;
      const oddRe = (im[a]! + im[b]!) / 2;
      const oddIm = (re[b]! - re[a]!) / 2;
      const real = evenRe + cos[k]! * oddRe + sin[k]! * oddIm;
      const imaginary = evenIm + cos[k]! * oddIm - sin[k]! * oddRe;
      power[k] = real * real + imaginary * imaginary;
    }
  };
}

function createTransform(size: number): Transform {
  return Number.isInteger(Math.log2(size)) ? radixTwo(size) : bluestein(size);
}

/** Cooley and Tukey 1965, iterative, for powers of two. */
function radixTwo(size: number): Transform {
  const cos = new Float64Array(size / 2);
  const sin = new Float64Array(size / 2);
  for (let k = 0; k < cos.length; k++) {
    cos[k] = Math.cos((2 * Math.PI * k) / size);
    sin[k] = -Math.sin((2 * Math.PI * k) / size);
  }
  const reversed = bitReversal(size);
  return (re, im) => {
    permute(re, reversed);
    permute(im, reversed);
    for (let width = 2; width <= size; width *= 2) {
      const half = width / 2;
      const step = size / width;
      for (let start = 0; start < size; start += width) {
        for (let k = 0, t = 0; k < half; k++, t += step) {
          const a = start + k;
          const b = a + half;
          const x = re[b]! * cos[t]! - im[b]! * sin[t]!;
          const y = re[b]! * sin[t]! + im[b]! * cos[t]!;
          re[b] = re[a]! - x;
          im[b] = im[a]! - y;
          re[a] = re[a]! + x;
          im[a] = im[a]! + y;
        }
      }
    }
  };
}

function bitReversal(size: number): Uint32Array {
  const reversed = new Uint32Array(size);
  for (let i = 1; i < size; i++) {
    reversed[i] = (reversed[i >> 1]! >> 1) | (i & 1 ? size >> 1 : 0);
  }
  return reversed;
}

function permute(values: Float64Array, order: Uint32Array): void {
  for (let i = 0; i < order.length; i++) {
    const j = order[i]!;
    if (j <= i) continue;
    const value = values[i]!;
    values[i] = values[j]!;
    values[j] = value;
  }
}

/** Any size, as a convolution with a chirp. Bluestein, "A linear filtering approach…", 1970. */
function bluestein(size: number): Transform {
  const padded = 2 ** Math.ceil(Math.log2(2 * size - 1));
  const transform = radixTwo(padded);
  // k² modulo 2 · size: the angle keeps its digits for large k.
  const angle = (k: number) => (Math.PI * ((k * k) % (2 * size))) / size;
  const cos = Float64Array.from({ length: size }, (_, k) => Math.cos(angle(k)));
  const sin = Float64Array.from({ length: size }, (_, k) => Math.sin(angle(k)));
  const chirpRe = new Float64Array(padded);
  const chirpIm = new Float64Array(padded);
  for (let k = 0; k < size; k++) {
    for (const at of k === 0 ? [0] : [k, padded - k]) {
      chirpRe[at] = cos[k]!;
      chirpIm[at] = sin[k]!;
    }
  }
  transform(chirpRe, chirpIm);
  const a = new Float64Array(padded);
  const b = new Float64Array(padded);
  return (re, im) => {
    a.fill(0);
    b.fill(0);
    for (let k = 0; k < size; k++) {
      a[k] = re[k]! * cos[k]! + im[k]! * sin[k]!;
      b[k] = im[k]! * cos[k]! - re[k]! * sin[k]!;
    }
    transform(a, b);
    for (let k = 0; k < padded; k++) {
      const x = a[k]! * chirpRe[k]! - b[k]! * chirpIm[k]!;
      // The conjugate: a second forward transform of it is the inverse one.
      b[k] = -(a[k]! * chirpIm[k]! + b[k]! * chirpRe[k]!);
      a[k] = x;
    }
    transform(a, b);
    for (let k = 0; k < size; k++) {
      const x = a[k]! / padded;
      const y = -b[k]! / padded;
      re[k] = x * cos[k]! + y * sin[k]!;
      im[k] = y * cos[k]! - x * sin[k]!;
    }
  };
}
