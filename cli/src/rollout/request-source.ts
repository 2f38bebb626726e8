import type { RolloutRequest } from '@flotilla/fleet-server/progress';
import type { RequestOptions } from './request.ts';

type Option = readonly [keyof RequestOptions, string];
type Part = 'retry' | 'download' | 'shadow' | 'ab';
/** Of `dynamic`, its option cannot be given wrongly. */
type Field =
  | Exclude<keyof RolloutRequest, Part | 'model' | 'version' | 'dynamic'>
  | { [P in Part]: `${P}.${keyof NonNullable<RolloutRequest[P]> & string}` }[Part];

/** The option that gives a field of the request. */
const OPTIONS: Readonly<Record<Field, Option>> = {
  devices: ['devices', '--devices'],
  waves: ['waves', '--waves'],
  stratify: ['stratify', '--stratify'],
  soakMs: ['soak', '--soak'],
  maxSoakMs: ['maxSoak', '--max-soak'],
  watchMs: ['watchTime', '--watch-time'],
  deadlineMs: ['deadline', '--deadline'],
  maxAttempts: ['attempts', '--attempts'],
  'retry.networkAttempts': ['networkAttempts', '--network-attempts'],
  'retry.maxPauseMs': ['maxRetry', '--max-retry'],
  retryMs: ['retry', '--retry'],
  rate: ['rate', '--rate'],
  rollBackPerMinute: ['rollBackRate', '--roll-back-rate'],
  maxInFlight: ['maxInFlight', '--max-in-flight'],
  startMs: ['start', '--start'],
  maintenance: ['maintenance', '--maintenance'],
  approval: ['approval', '--approval'],
  priority: ['priority', '--priority'],
  gates: ['gate', '--gate'],
  'download.bandwidth': ['bandwidth', '--bandwidth'],
  'download.metered': ['metered', '--metered'],
  kind: ['kind', '--kind'],
  promote: ['promote', '--promote'],
  'shadow.samplePermille': ['sample', '--sample'],
  'shadow.busyPermille': ['busy', '--busy'],
  'shadow.maxTemperatureC': ['maxTemperature', '--max-temperature'],
  'shadow.minCompared': ['compare', '--compare'],
  'shadow.maxHours': ['maxHours', '--max-hours'],
  'ab.sharePercent': ['share', '--share'],
  'ab.maxHours': ['maxHours', '--max-hours'],
};

/** What gave a field: an option, else the file of `--from`; undefined where it was neither. */
export function sourceOf(field: string, options: RequestOptions): string | undefined {
  const known: Readonly<Record<string, Option>> = OPTIONS;
  const [key, option] = known[field] ?? known[field.split('.', 1)[0] ?? ''] ?? [];
  const given = key === undefined ? undefined : options[key];
  const isGiven = Array.isArray(given) ? given.length > 0 : given !== undefined;
  return isGiven ? option : options.from;
}
