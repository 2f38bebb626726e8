/** Converts samples of one rate to another; the result has ⌈length · ratio⌉ samples. */
export type RateConverter = (samples: Float32Array) => Float32Array;

/** Zero crossings of the sinc on each side. */
const CROSSINGS = 32;
/** Kaiser window: stop band 90 dB down. Kaiser, "Nonrecursive digital filter design", 1974. */
const BETA = 9;
/** Cut-off as a share of the lower half rate: the transition band ends near it. */
const ROLLOFF = 0.94;
/** Terms of the ratio of two rates that is exact; tables stay below 8 MB. */
const MAX_TERM = 16_384;

/**
 * A polyphase resampler by a windowed sinc. A ratio whose terms are larger than MAX_TERM, such as
 * 44,101 : 44,100, is rounded: by less than 10⁻⁴, as far as the clocks of sound cards may be off.
 *
 * @param from, to samples per second, from 1000 to 768000
 */
export function createRateConverter(from: number, to: number): RateConverter {
  if (from === to) return (samples) => samples;
  const [up, down] = ratioOf(to, from);
  const cutoff = Math.min(1, up / down) * ROLLOFF;
  const reach = Math.ceil(CROSSINGS / cutoff);
  const taps = 2 * reach;
  const table = filterTable(up, reach, cutoff);
  return (samples) => {
    const padded = new Float32Array(samples.length + 2 * reach);
    padded.set(samples, reach);
    const out = new Float32Array(Math.ceil((samples.length * up) / down));
    for (let j = 0; j < out.length; j++) {
      const position = j * down;
      const phase = position % up;
      // The first tap is the sample reach − 1 before the position, which lies in what is padded.
      const first = (position - phase) / up + 1;
      const row = phase * taps;
      let sum = 0;
      for (let i = 0; i < taps; i++) sum += table[row + i]! * padded[first + i]!;
      out[j] = sum;
    }
    return out;
  };
}

/** A row of taps for each of the positions between two samples; each row sums to 1. */
function filterTable(phases: number, reach: number, cutoff: number): Float32Array {
  const taps = 2 * reach;
  const table = new Float32Array(phases * taps);
  const row = new Float64Array(taps);
  for (let phase = 0; phase < phases; phase++) {
    let sum = 0;
    for (let i = 0; i < taps; i++) {
      const x = i - reach + 1 - phase / phases;
      row[i] = sinc(cutoff * x) * kaiser(x / reach);
      sum += row[i]!;
    }
    for (let i = 0; i < taps; i++) table[phase * taps + i] = row[i]! / sum;
  }
  return table;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function kaiser(x: number): number {
  return Math.abs(x) >= 1 ? 0 : besselI0(BETA * Math.sqrt(1 - x * x)) / besselI0(BETA);
}

/** Modified Bessel function of order 0, by its power series. */
function besselI0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/** a / b in lowest terms, or its best approximation by terms of at most MAX_TERM. */
function ratioOf(a: number, b: number): readonly [number, number] {
  let [before, last]: [readonly [number, number], readonly [number, number]] = [
    [0, 1],
    [1, 0],
  ];
  let [x, y] = [a, b];
  while (y !== 0) {
    const whole = Math.floor(x / y);
    const next = [whole * last[0] + before[0], whole * last[1] + before[1]] as const;
    if (Math.max(...next) > MAX_TERM) break;
    [before, last] = [last, next];
    [x, y] = [y, x % y];
  }
  return last;
}
