import { FlotillaError } from '@flotilla/protocol';
import { breathe, portionsOf } from '../breathe.ts';

const MAX_WAVES = 20;
const WAVE = /^(?:([1-9]\d{0,6})|([1-9]\d?|100)%)$/;

type Wave = { readonly devices: number } | { readonly percent: number };

/**
 * The sizes of the waves: cumulative counts of devices (`5`) or shares of the membership (`10%`,
 * rounded up), of which the last is `100%`. Waves that would add no device are left out.
 *
 * @param membership devices that take part, at least 1
 * @throws FlotillaError `rollout.invalid`
 */
export function waveSizes(waves: readonly string[], membership: number): number[] {
  const sizes: number[] = [];
  let size = 0;
  for (const wave of parseWaves(waves)) {
    const wanted = 'devices' in wave ? wave.devices : Math.ceil((wave.percent * membership) / 100);
    const next = Math.min(membership, Math.max(size, wanted));
    if (next > size) sizes.push(next);
    size = next;
  }
  return sizes;
}

/** Of waves that a person gave as counts: the first that takes all devices, though others follow. */
export function earlyEnd(waves: readonly string[], membership: number): string | undefined {
  const early = waves.slice(0, -1).find((wave) => Number(wave) >= membership);
  if (early === undefined) return undefined;
  const all =
    membership === 1 ? 'the only device that takes' : `all ${membership} devices that take`;
  return `wave ${early} reaches ${all} part: the waves after it add none`;
}

/** @throws FlotillaError `rollout.invalid` */
function parseWaves(waves: readonly string[]): Wave[] {
  if (waves.length === 0) refuse('there are no waves: name some, such as 5, 10%, 100%');
  if (waves.length > MAX_WAVES) {
    refuse(`there are ${waves.length} waves, and ${MAX_WAVES} is the most: leave some out`);
  }
  const parsed = waves.map(parseWave);
  checkRising(parsed, 'devices');
  checkRising(parsed, 'percent');
  const last = parsed.at(-1);
  if (last === undefined || !('percent' in last) || last.percent !== 100) {
    refuse(`the last wave, ${waves.at(-1)}, does not reach every device for sure: end with 100%`);
  }
  return parsed;
}

/** Counts among counts, and shares among shares: how both compare depends on the membership. */
function checkRising(waves: readonly Wave[], unit: 'devices' | 'percent'): void {
  const write = (wave: number, size: number) =>
    `wave ${wave + 1} (${size}${unit === 'percent' ? '%' : ''})`;
  let before: { readonly wave: number; readonly size: number } | undefined;
  for (const [wave, one] of waves.entries()) {
    if (!(unit in one)) continue;
    const size = 'percent' in one ? one.percent : one.devices;
    if (before !== undefined && size <= before.size) {
      refuse(
        `${write(wave, size)} adds no device to ${write(before.wave, before.size)}: waves are cumulative, so let each be larger than those before`,
      );
    }
    before = { wave, size };
  }
}

function parseWave(text: string, wave: number): Wave {
  const [, devices, percent] = WAVE.exec(text) ?? [];
  if (devices !== undefined) return { devices: Number(devices) };
  if (percent !== undefined) return { percent: Number(percent) };
  return refuse(
    `wave ${wave + 1} (${JSON.stringify(text.slice(0, 20))}) is neither a number of devices nor a share of them: write it as 5 or as 10%`,
  );
}

function refuse(reason: string): never {
  throw new FlotillaError('rollout.invalid', { reason, field: 'waves' });
}

/** Devices between two breaths: each takes less than a microsecond. */
const SPAN = 5000;

/** Devices of one rollout: one more does not fit beside a hash into a number. */
export const MAX_DEVICES = 2 ** 21;

/** A device that takes part, with the values that waves are balanced over. */
export interface Placed {
  readonly device: string;
  readonly stratum: string;
}

/**
 * Devices in the order in which they take the version. However far one goes in it, each stratum has
 * its share: first comes one device of each, of the largest stratum first, and then the devices of
 * each stratum are spread evenly over the rest. Within a stratum a hash of rollout and device
 * decides, so that each rollout has another canary and the same rollout always the same order.
 *
 * @param devices sorted by id, at most `MAX_DEVICES`
 * @returns their indexes
 */
export async function orderDevices(rollout: string, devices: readonly Placed[]): Promise<number[]> {
  const strata = new Map<string, { size: number; used: number }>();
  for await (const some of portionsOf(devices, SPAN)) {
    for (const { stratum } of some) {
      const known = strata.get(stratum);
      if (known === undefined) strata.set(stratum, { size: 1, used: 0 });
      else known.size++;
    }
  }
  const seed = fnv(0x811c9dc5, `${rollout}/`);
  const keys = new Float64Array(devices.length);
  for (let i = 0; i < keys.length; i++) {
    keys[i] = pack(mix(fnv(seed, devices[i]!.device)), i);
    if (i % SPAN === 0) await breathe();
  }
  const random = keys.sort();
  const shares = new Float64Array(devices.length);
  await breathe();
  for (let at = 0; at < random.length; at++) {
    const { size, used } = next(strata, devices[random[at]! % MAX_DEVICES]!);
    // the first of the largest stratum is first of all; no share of the rest is as small
    const share = used === 0 ? 1 - size / MAX_DEVICES : 1 + (used + 0.5) / size;
    shares[at] = pack(Math.floor(share * 2 ** 31), at);
    if (at % SPAN === 0) await breathe();
  }
  const order = shares.sort();
  await breathe();
  return Array.from(order, (share) => random[share % MAX_DEVICES]! % MAX_DEVICES);
}

/** A key of 32 bits and an index in one number, so that sorting numbers sorts the indexes by key. */
const pack = (key: number, index: number): number => key * MAX_DEVICES + index;

function next(
  strata: ReadonlyMap<string, { readonly size: number; used: number }>,
  { stratum }: Placed,
): { size: number; used: number } {
  const { size, used } = strata.get(stratum)!;
  strata.get(stratum)!.used++;
  return { size, used };
}

/** FNV-1a over more characters. */
function fnv(start: number, text: string): number {
  let h = start;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h;
}

/** Murmur3's final mix, 32 bits: spread, not secrecy. */
function mix(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
