import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metric } from './exposition.ts';

/** Finer sampling would wake an idle device more often. */
const RESOLUTION_MS = 50;
const MICRO = 1e-6;
const NANO = 1e-9;

/**
 * Memory, processor time and the delay of the event loop, the names as Prometheus' clients have them.
 * The delay is watched from the first look on, so that a device that nobody scrapes is not woken
 * for it; each look tells of the time since the one before.
 */
export function createProcessMetrics(): () => readonly Metric[] {
  let delay: ReturnType<typeof monitorEventLoopDelay> | undefined;
  return () => {
    const { user, system } = process.cpuUsage();
    const seen = delay !== undefined && delay.count > 0;
    // the delay that is measured holds the resolution of the timer that measures it
    const p99 = seen ? Math.max(0, delay!.percentile(99) * NANO - RESOLUTION_MS / 1000) : 0;
    delay ??= monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    delay.enable();
    delay.reset();
    return [
      {
        name: 'process_resident_memory_bytes',
        help: 'Resident memory size in bytes.',
        type: 'gauge',
        samples: [{ value: process.memoryUsage.rss() }],
      },
      {
        name: 'process_cpu_seconds_total',
        help: 'Total user and system CPU time spent in seconds.',
        type: 'counter',
        samples: [{ value: (user + system) * MICRO }],
      },
      {
        name: 'process_start_time_seconds',
        help: 'Start time of the process since unix epoch in seconds.',
        type: 'gauge',
        samples: [{ value: Math.round(Date.now() / 1000 - process.uptime()) }],
      },
      {
        name: 'nodejs_eventloop_lag_p99_seconds',
        help: 'The 99th percentile of the event loop delay since the last look.',
        type: 'gauge',
        samples: seen ? [{ value: p99 }] : [],
      },
    ];
  };
}
