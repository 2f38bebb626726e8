import type { Condition } from '../../core/index.ts';
import type { SystemFiles } from './system-files.ts';

const THERMAL = 'sys/class/thermal';
/** The zone of a Jetson's power chip reads 100 °C at all times (NVIDIA, L4T documentation). */
const FICTIONAL_ZONE = /^PMIC-Die$/i;
/** Cooling that slows a processor down; fans cool too, and slow nothing. */
const SLOWING = /cpu|gpu|processor|devfreq|throttle/i;

/** Bits 0–3 of `get_throttled` on a Raspberry Pi: what is so now (Raspberry Pi, vcgencmd). */
const PI_REASONS = [
  'the supply voltage is too low',
  'the firmware caps the frequency',
  'the firmware throttles the processor',
  'the soft temperature limit is reached',
];

/** How the device fares at this moment. */
export async function readCondition(files: SystemFiles): Promise<Condition> {
  const [temperatureC, pi, cooling, bytesWritten] = await Promise.all([
    readHottest(files),
    readPiThrottling(files),
    readCooling(files),
    readBytesWritten(files),
  ]);
  return { temperatureC, throttledBy: [...pi, ...cooling], bytesWritten };
}

/** Degrees of the hottest zone; 0 where no sensor tells. */
async function readHottest(files: SystemFiles): Promise<number> {
  const zones = await files.names(THERMAL, /^thermal_zone\d+$/);
  const read = await Promise.all(
    zones.map(async (zone) => {
      const type = await files.text(`${THERMAL}/${zone}/type`);
      const milli = await files.number(`${THERMAL}/${zone}/temp`);
      return FICTIONAL_ZONE.test(type) ? 0 : (milli ?? 0) / 1000;
    }),
  );
  // sensors that are switched off tell -256 or 32767
  return Math.max(0, ...read.filter((degrees) => degrees < 200));
}

async function readPiThrottling(files: SystemFiles): Promise<string[]> {
  const devices = 'sys/devices/platform';
  for (const soc of await files.names(devices, /^soc/)) {
    for (const firmware of await files.names(`${devices}/${soc}`, /^soc.*:firmware$/)) {
      const text = await files.text(`${devices}/${soc}/${firmware}/get_throttled`);
      if (!/^(0x)?[0-9a-f]+$/i.test(text)) continue;
      const bits = Number.parseInt(text, 16);
      return PI_REASONS.filter((_, bit) => (bits >> bit) & 1);
    }
  }
  return [];
}

/** Cooling devices that are at work: `thermal-cpufreq-0`, `Processor`, `gpu-throttle-alert`. */
async function readCooling(files: SystemFiles): Promise<string[]> {
  const devices = await files.names(THERMAL, /^cooling_device\d+$/);
  const reasons = await Promise.all(
    devices.map(async (device) => {
      const type = await files.text(`${THERMAL}/${device}/type`);
      if (!SLOWING.test(type) || /fan/i.test(type)) return '';
      const state = await files.number(`${THERMAL}/${device}/cur_state`);
      return (state ?? 0) > 0 ? `the kernel cools with ${type}` : '';
    }),
  );
  return [...new Set(reasons.filter((reason) => reason !== ''))];
}

/** What this process made the block layer write since it started (proc(5), `write_bytes`). */
async function readBytesWritten(files: SystemFiles): Promise<number> {
  return Number(/^write_bytes: (\d+)$/m.exec(await files.text('proc/self/io'))?.[1] ?? 0);
}
