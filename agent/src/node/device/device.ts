import type { Resources } from '@flotilla/protocol';
import type { Device } from '../../core/index.ts';
import { execute } from '../execute.ts';
import { type CapabilityOptions, readCapabilities } from './capabilities.ts';
import { readCondition } from './condition.ts';
import { type MeteredLink, readNetwork } from './network.ts';
import { systemFiles } from './system-files.ts';
import { readTimeZone } from './time-zone.ts';

/** What Linux tells of this device. */
export function createDevice(
  options: CapabilityOptions & {
    readonly metered?: MeteredLink;
    /** `TZ` of the environment. */
    readonly timeZone?: string;
  },
): Device {
  const { files = systemFiles() } = options;
  let cpuBefore = process.cpuUsage();
  let writtenBefore = 0;
  return {
    capabilities: () => readCapabilities(options),
    condition: () => readCondition(files),
    rssBytes: () => process.memoryUsage.rss(),
    network: () => readNetwork(files, execute, options.metered),
    timeZone: () => readTimeZone(files, options.timeZone),
    async resources() {
      const { temperatureC, throttledBy, bytesWritten } = await readCondition(files);
      const { user, system } = process.cpuUsage(cpuBefore);
      const written = bytesWritten - writtenBefore;
      cpuBefore = process.cpuUsage();
      writtenBefore = bytesWritten;
      return {
        rssBytes: process.memoryUsage.rss(),
        cpuMs: Math.round((user + system) / 1000),
        temperatureC,
        throttled: throttledBy.length > 0,
        bytesWritten: written,
      } satisfies Resources;
    },
  };
}
