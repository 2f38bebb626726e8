import { FlotillaError } from '@flotilla/protocol';

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

/** @throws FlotillaError `rollout.invalid` */
function parseWaves(waves: readonly string[]): Wave[] {
  if (waves.length === 0 || waves.length > MAX_WAVES) {
    refuse(`it has ${waves.length} waves; give 1 to ${MAX_WAVES}, such as 5, 10%, 100%`);
  }
  const parsed = waves.map(parseWave);
  for (const unit of ['devices', 'percent'] as const) {
    const numbers = parsed.flatMap((wave) => (unit in wave ? [Object.values(wave)[0] ?? 0] : []));
    const falls = numbers.find((number, i) => i > 0 && number <= (numbers[i - 1] ?? 0));
    if (falls !== undefined) {
      refuse(
        `waves are cumulative, so ${falls}${unit === 'percent' ? '%' : ''} cannot follow a wave that is no smaller`,
      );
    }
  }
  const last = parsed.at(-1);
  if (last === undefined || !('percent' in last) || last.percent !== 100) {
    refuse(`the last wave is ${waves.at(-1)?.slice(0, 20)}; it must be 100%`);
  }
  return parsed;
}

function parseWave(text: string): Wave {
  const [, devices, percent] = WAVE.exec(text) ?? [];
  if (devices !== undefined) return { devices: Number(devices) };
  if (percent !== undefined) return { percent: Number(percent) };
  return refuse(
    `wave ${JSON.stringify(text.slice(0, 20))} is neither a number of devices (5) nor a share (10%)`,
  );
}

function refuse(reason: string): never {
  throw new FlotillaError('rollout.invalid', { reason });
}

/**
 * Devices in the order in which they take the version: by a hash of rollout and device, so that
 * each rollout has another canary and the same rollout always the same order.
 */
export function orderDevices(rollout: string, devices: readonly string[]): string[] {
  return devices
    .map((device) => ({ device, key: hash(`${rollout}/${device}`) }))
    .sort((a, b) => a.key - b.key || (a.device < b.device ? -1 : 1))
    .map(({ device }) => device);
}

/** FNV-1a with a final mix (murmur3's), 32 bits: spread, not secrecy. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
