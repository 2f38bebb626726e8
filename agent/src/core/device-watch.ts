import type { Capabilities } from '@flotilla/protocol';
import type { Clock, Condition, Device, Logger } from './ports.ts';

/** How the device fares, as it was last looked at. */
export interface DeviceHealth extends Condition {
  /** Of the bytes written, those of the last hour: what an SD card wears out by. */
  readonly bytesWrittenLastHour: number;
  readonly powerMode: string;
}

export interface DeviceWatch {
  readonly health: DeviceHealth;
  /** Looks until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface DeviceWatchPorts {
  readonly device: Device;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The device can do other things than a minute ago: a camera was plugged in. */
  changed(): void;
}

const EVERY_MS = 60_000;
const HOUR_MS = 3_600_000;

interface Sample {
  readonly atMs: number;
  readonly bytesWritten: number;
}

/** Notices once a minute what the device can do, and whether heat or voltage slows it down. */
export function createDeviceWatch(ports: DeviceWatchPorts): DeviceWatch {
  const { device, clock, logger } = ports;
  const written: Sample[] = [];
  let known: string | undefined;
  let health: DeviceHealth = {
    temperatureC: 0,
    throttledBy: [],
    bytesWritten: 0,
    bytesWrittenLastHour: 0,
    powerMode: '',
  };

  async function look(): Promise<void> {
    const capabilities = await device.capabilities();
    const condition = await device.condition();
    logThrottling(logger, health.throttledBy, condition);
    health = {
      ...condition,
      bytesWrittenLastHour: lastHour(written, clock.monotonic(), condition.bytesWritten),
      powerMode: capabilities.powerMode,
    };
    const now = fingerprint(capabilities, await device.timeZone());
    if (known !== undefined && now !== known) {
      logger.info('capabilities changed', { target: capabilities.target });
      ports.changed();
    }
    known = now;
  }

  return {
    get health() {
      return health;
    },
    async run(signal) {
      while (!signal.aborted) {
        await look().catch((error) => logger.warn('the device cannot be read', { error }));
        await clock.sleep(EVERY_MS, signal);
      }
    },
  };
}

/** Free disk changes all the time, and means nothing new. */
const fingerprint = (capabilities: Capabilities, timeZone: string): string =>
  JSON.stringify({ ...capabilities, diskFreeBytes: 0, timeZone });

/** Once when it begins and once when it ends. */
function logThrottling(logger: Logger, before: readonly string[], now: Condition): void {
  const { throttledBy, temperatureC } = now;
  if (before.length === 0 && throttledBy.length > 0) {
    logger.warn('the processor is throttled', { because: throttledBy, temperatureC });
  }
  if (before.length > 0 && throttledBy.length === 0) {
    logger.info('the processor is throttled no more', { temperatureC });
  }
}

/** Adds a sample, and forgets those older than an hour but the youngest of them. */
function lastHour(samples: Sample[], atMs: number, bytesWritten: number): number {
  samples.push({ atMs, bytesWritten });
  while ((samples[1]?.atMs ?? atMs) <= atMs - HOUR_MS) samples.shift();
  // before an hour is over, all that the process has written
  const whole = atMs - (samples[0]?.atMs ?? atMs) >= HOUR_MS;
  return bytesWritten - (whole ? (samples[0]?.bytesWritten ?? 0) : 0);
}
