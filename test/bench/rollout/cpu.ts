import { readFileSync } from 'node:fs';

/** Of the kernel's clock that counts processor time (proc(5), USER_HZ). */
const TICKS_PER_SECOND = 100;

/** Processor time that a process and its threads have taken, ms. */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // the name in brackets may hold spaces
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}
