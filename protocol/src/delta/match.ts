/** A stretch of the new blob that resembles the old one at `from`. */
export interface Match {
  readonly at: number;
  readonly from: number;
  readonly length: number;
}

/** Stretches are judged in windows of so many bytes. */
const WINDOW = 4096;
/** Anchors: exact copies of so many bytes, indexed at multiples of this in the old blob. */
const ANCHOR = 32;
/** A copy must make the bytes cheaper by so much, or it only costs the reader a read. */
const WORTH = 0.95;
/** Below this share of its cost a stretch is so alike that no better place is looked for. */
const ALIKE = 0.25;
const PRIME = 0x01000193;

/**
 * Places in the old blob that stretches of the new one resemble, in order and without overlap.
 * Between two trainings of a model every weight may differ a little, so a stretch counts as alike
 * where the differences would compress better than the bytes themselves; exact copies of 32 bytes
 * only say where to look (as in bsdiff, C. Percival, "Naive differences of executable code", 2003,
 * with anchors as in rsync instead of a suffix array, which would take eight times the old blob).
 */
export function findMatches(from: Uint8Array, to: Uint8Array): Match[] {
  const anchors = createAnchors(from);
  const matches: Match[] = [];
  let shift = 0;
  for (let at = 0; at < to.length; ) {
    const length = Math.min(WINDOW, to.length - at);
    const plain = cost(to, at, length);
    const here = within(from, at + shift, length)
      ? difference(to, at, from, at + shift, length)
      : 1e9;
    if (here <= plain * ALIKE || plain === 0) {
      if (within(from, at + shift, length)) push(matches, { at, from: at + shift, length });
      at += length;
      continue;
    }
    const better = anchors.find(to, at, length, shift);
    if (better !== undefined) {
      const next = better.from - better.at;
      const start = backwards(from, to, better, at);
      const rest = Math.min(WINDOW, to.length - start, from.length - (start + next));
      if (rest > 0) {
        const there = difference(to, start, from, start + next, rest);
        const stays = within(from, start + shift, rest)
          ? difference(to, start, from, start + shift, rest)
          : 1e9;
        if (there < stays && there < cost(to, start, rest) * WORTH) {
          // what lies before still follows the old place as far as it is the same
          const same = sameBytes(from, to, at, at + shift, start - at);
          if (same > 0) push(matches, { at, from: at + shift, length: same });
          push(matches, { at: start, from: start + next, length: rest });
          shift = next;
          at = start + rest;
          continue;
        }
      }
    }
    if (here < plain * WORTH) push(matches, { at, from: at + shift, length });
    else {
      const same = sameBytes(from, to, at, at + shift, length);
      if (same >= ANCHOR) push(matches, { at, from: at + shift, length: same });
    }
    at += length;
  }
  return matches;
}

const within = (bytes: Uint8Array, at: number, length: number): boolean =>
  at >= 0 && at + length <= bytes.length;

/** Stretches that follow one another in both blobs are one. */
function push(matches: Match[], next: Match): void {
  const last = matches.at(-1);
  const follows =
    last !== undefined &&
    last.at + last.length === next.at &&
    last.from + last.length === next.from;
  if (follows) matches[matches.length - 1] = { ...last, length: last.length + next.length };
  else matches.push(next);
}

/** How far the anchor's equality reaches back, but not before `least`. */
function backwards(from: Uint8Array, to: Uint8Array, anchor: Place, least: number): number {
  let { at, from: source } = anchor;
  while (at > least && source > 0 && to[at - 1] === from[source - 1]) {
    at--;
    source--;
  }
  return at;
}

function sameBytes(from: Uint8Array, to: Uint8Array, at: number, source: number, most: number) {
  let same = 0;
  while (same < most && source + same >= 0 && source + same < from.length) {
    if (to[at + same] !== from[source + same]) break;
    same++;
  }
  return same;
}

interface Place {
  readonly at: number;
  readonly from: number;
}

interface Anchors {
  /** The first place in a window of the new blob that the old one has too, at another shift. */
  find(to: Uint8Array, at: number, length: number, shift: number): Place | undefined;
}

function createAnchors(from: Uint8Array): Anchors {
  const count = Math.floor(from.length / ANCHOR);
  const mask = (1 << Math.max(4, 33 - Math.clz32(Math.max(1, count)))) - 1;
  /** Index of the anchor + 1 by hash; the first of several wins. */
  const table = new Int32Array(mask + 1);
  for (let i = 0; i < count; i++) {
    const slot = hashAt(from, i * ANCHOR) & mask;
    if (table[slot] === 0) table[slot] = i + 1;
  }
  const drop = powerOf(ANCHOR - 1);
  return {
    find(to, at, length, shift) {
      const end = Math.min(at + length, to.length - ANCHOR);
      if (end < at) return undefined;
      let hash = hashAt(to, at);
      for (let i = at; ; ) {
        const index = (table[hash & mask] ?? 0) - 1;
        const source = index * ANCHOR;
        const elsewhere = index >= 0 && source - i !== shift;
        if (elsewhere && sameBytes(from, to, i, source, ANCHOR) === ANCHOR) {
          return { at: i, from: source };
        }
        if (i >= end) return undefined;
        hash = Math.imul((hash - Math.imul(to[i] ?? 0, drop)) | 0, PRIME);
        hash = (hash + (to[i + ANCHOR] ?? 0)) | 0;
        i++;
      }
    },
  };
}

function powerOf(exponent: number): number {
  let power = 1;
  for (let i = 0; i < exponent; i++) power = Math.imul(power, PRIME);
  return power;
}

/** Rolling: Σ byte · PRIME^(31 − i), modulo 2^32. */
function hashAt(bytes: Uint8Array, at: number): number {
  let hash = 0;
  for (let i = 0; i < ANCHOR; i++) hash = (Math.imul(hash, PRIME) + (bytes[at + i] ?? 0)) | 0;
  return hash;
}

const counts = (): Int32Array => new Int32Array(4 * 256);

/** Bits of a stretch by the entropy of its bytes, those at each place of four apart. */
function cost(bytes: Uint8Array, at: number, length: number): number {
  const seen = counts();
  for (let i = 0; i < length; i++) {
    const cell = ((i & 3) << 8) | (bytes[at + i] ?? 0);
    seen[cell] = (seen[cell] ?? 0) + 1;
  }
  return bits(seen, length);
}

function difference(to: Uint8Array, at: number, from: Uint8Array, source: number, length: number) {
  const seen = counts();
  for (let i = 0; i < length; i++) {
    const cell = ((i & 3) << 8) | (((to[at + i] ?? 0) - (from[source + i] ?? 0)) & 0xff);
    seen[cell] = (seen[cell] ?? 0) + 1;
  }
  return bits(seen, length);
}

function bits(seen: Int32Array, length: number): number {
  const each = length / 4;
  let sum = 0;
  for (const count of seen) if (count > 0) sum += count * Math.log2(each / count);
  return Math.max(0, sum);
}
