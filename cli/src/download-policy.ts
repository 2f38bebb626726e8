import { FlotillaError } from '@flotilla/protocol';
import type { Command } from 'commander';

/** What a fleet, a device or a rollout says of downloads. */
export interface DownloadPolicy {
  /** Bytes per second; 0 is no cap. */
  readonly bandwidth?: number;
  readonly metered?: string;
  readonly transport?: string;
}

/** The options of a policy as they were given. */
export interface PolicyOptions {
  readonly bandwidth?: string;
  readonly metered?: string;
  /** Of a fleet or a device only. */
  readonly transport?: string;
}

const TRANSPORTS: readonly string[] = ['auto', 'http', 'mqtt'];
const METERED: readonly string[] = ['allow', 'delta-only', 'wait'];
/** Devices ask for 16 KiB at least, which must come before a connection passes for dead. */
const LEAST_BANDWIDTH = 2000;
const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9 };

export const withPolicyOptions = (command: Command): Command =>
  command
    .option(
      '--bandwidth <bytes>',
      'cap on downloads in bytes per second: 2000, 250k, 1.5M; 0: none',
    )
    .option(
      '--metered <policy>',
      'what to fetch over links that cost by the byte: allow, delta-only, wait',
    );

/** @throws FlotillaError `cli.usage` */
export function readPolicy({ bandwidth, metered, transport }: PolicyOptions): DownloadPolicy {
  if (metered !== undefined && !METERED.includes(metered)) {
    throw usage(`--metered is one of ${METERED.join(', ')}, not ${metered}`);
  }
  if (transport !== undefined && !TRANSPORTS.includes(transport)) {
    throw usage(`--transport is one of ${TRANSPORTS.join(', ')}, not ${transport}`);
  }
  return {
    ...(bandwidth === undefined ? {} : { bandwidth: readBandwidth(bandwidth) }),
    ...(metered === undefined ? {} : { metered }),
    ...(transport === undefined ? {} : { transport }),
  };
}

function readBandwidth(text: string): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([kMG]?)$/.exec(text) ?? [];
  const bytes = Math.round(Number(amount) * (UNITS[unit] ?? 1));
  if (amount !== undefined && bytes > 0 && bytes < LEAST_BANDWIDTH) {
    throw usage(`--bandwidth is 0 for no cap, or at least ${LEAST_BANDWIDTH}, not ${text}`);
  }
  if (amount !== undefined && Number.isSafeInteger(bytes)) return bytes;
  throw usage(`--bandwidth takes bytes per second such as 2000, 250k or 1.5M, not ${text}`);
}

/** `at most 250.0 KB/s, metered links: wait`; empty where nothing was said. */
export function policyText({ bandwidth, metered, transport }: DownloadPolicy): string {
  const parts = [
    bandwidth === undefined ? '' : bandwidth === 0 ? 'no cap' : `at most ${bandwidth / 1000} kB/s`,
    metered === undefined ? '' : `metered links: ${metered}`,
    transport === undefined ? '' : `over: ${transport}`,
  ];
  return parts.filter(Boolean).join(', ');
}

const usage = (reason: string) => new FlotillaError('cli.usage', { reason });
