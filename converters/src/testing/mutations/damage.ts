import type { Chance } from './chance.ts';

/** A change to the bytes of a file that knows nothing of their meaning. */
type Damage = (bytes: Uint8Array, chance: Chance, other: Uint8Array) => Uint8Array;

const DAMAGES: readonly Damage[] = [
  flipBits,
  setBytes,
  cutOff,
  remove,
  repeat,
  splice,
  insertNoise,
];

/** One to four changes; `other` is a second file to take pieces from. */
export function damage(bytes: Uint8Array, chance: Chance, other: Uint8Array): Uint8Array {
  let damaged = bytes;
  for (let n = 1 + chance.below(4); n > 0; n--)
    damaged = chance.pick(DAMAGES)(damaged, chance, other);
  return damaged;
}

function flipBits(bytes: Uint8Array, chance: Chance): Uint8Array {
  const flipped = bytes.slice();
  for (let n = 1 + chance.below(8); n > 0 && flipped.length > 0; n--) {
    flipped[chance.below(flipped.length)]! ^= 1 << chance.below(8);
  }
  return flipped;
}

/** With values that mean much in a varint: its ends and its continuation. */
function setBytes(bytes: Uint8Array, chance: Chance): Uint8Array {
  const changed = bytes.slice();
  for (let n = 1 + chance.below(4); n > 0 && changed.length > 0; n--) {
    changed[chance.below(changed.length)] = chance.pick([
      0,
      1,
      0x7f,
      0x80,
      0xff,
      chance.below(256),
    ]);
  }
  return changed;
}

function cutOff(bytes: Uint8Array, chance: Chance): Uint8Array {
  return bytes.slice(0, chance.below(bytes.length + 1));
}

function remove(bytes: Uint8Array, chance: Chance): Uint8Array {
  const [start, end] = range(bytes, chance);
  return join(bytes.subarray(0, start), bytes.subarray(end));
}

function repeat(bytes: Uint8Array, chance: Chance): Uint8Array {
  const [start, end] = range(bytes, chance);
  return join(bytes.subarray(0, end), bytes.subarray(start));
}

function splice(bytes: Uint8Array, chance: Chance, other: Uint8Array): Uint8Array {
  const [start, end] = range(bytes, chance);
  const [from, to] = range(other, chance);
  return join(bytes.subarray(0, start), other.subarray(from, to), bytes.subarray(end));
}

function insertNoise(bytes: Uint8Array, chance: Chance): Uint8Array {
  const [at] = range(bytes, chance);
  const noise = Uint8Array.from({ length: 1 + chance.below(16) }, () => chance.below(256));
  return join(bytes.subarray(0, at), noise, bytes.subarray(at));
}

/** Up to 64 bytes, often fewer. */
function range(bytes: Uint8Array, chance: Chance): [number, number] {
  const start = chance.below(bytes.length + 1);
  return [start, Math.min(bytes.length, start + chance.below(1 + chance.below(64)))];
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
