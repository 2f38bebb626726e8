import { readFileSync } from 'node:fs';

/**
 * Most memory that this process had resident, bytes. Linux keeps it by program (VmHWM in proc(5)), where
 * getrusage(2) also counts what the parent had when it forked.
 */
export function peakMemory(): number {
  const [, kilobytes] =
    /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  if (kilobytes === undefined) throw new Error('the system does not tell the peak of its memory');
  return Number(kilobytes) * 1024;
}
